/* SPDX-License-Identifier: ISC */
/*
 * SPF of a stranger's mail: of the HELO name (RFC 7208 2.3), and of the reverse-path's domain
 * (2.4). The second is what DMARC asks about; with a null reverse-path it is the HELO name's.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/idn.h"
#include "common/log.h"
#include "worker/dns/dns.h"
#include "worker/filter/act.h"
#include "worker/filter/filter.h"
#include "worker/filter/spf.h"

#define TEXTS_MAX 4

enum identity { IDENTITY_HELO, IDENTITY_MAIL_FROM };

struct spf_stage {
	enum identity identity;
	struct spf *spf;
	struct dns_question *question;
	struct event *timer;
	char local[PATH_SIZE];
	char domain[HOST_NAME_SIZE];
};

/* TXT records: two with SPF are as good as more of them, and so are two without. */
struct texts {
	size_t count, records, others;
	struct spf_data data[TEXTS_MAX];
	char octets[TEXTS_MAX][DNS_TXT_MAX];
};

static const enum auth_result results[SPF_RESULTS] = {
    [SPF_NONE] = AUTH_NONE,           [SPF_NEUTRAL] = AUTH_NEUTRAL,
    [SPF_PASS] = AUTH_PASS,           [SPF_FAIL] = AUTH_FAIL,
    [SPF_SOFTFAIL] = AUTH_SOFTFAIL,   [SPF_TEMPERROR] = AUTH_TEMPERROR,
    [SPF_PERMERROR] = AUTH_PERMERROR,
};

static void begin(struct check *);

static void
stage_free(struct check *check)
{
	struct spf_stage *stage = check->stage;

	if (stage == NULL)
		return;
	dns_forget(stage->question);
	spf_free(stage->spf);
	if (stage->timer != NULL)
		event_free(stage->timer);
	free(stage);
	check->stage = NULL;
}

/* -- Results ---------------------------------------------------------------------------------- */

static void
act(struct check *check, const struct spf_verdict *verdict)
{
	static const struct {
		enum spf_result result;
		enum filter_event event;
	} events[] = {
	    {SPF_FAIL, FILTER_ON_SPF_FAIL},
	    {SPF_SOFTFAIL, FILTER_ON_SPF_SOFTFAIL},
	    {SPF_PERMERROR, FILTER_ON_SPF_PERMERROR},
	    {SPF_TEMPERROR, FILTER_ON_SPF_TEMPERROR},
	};
	const char *why = verdict->explanation[0] != '\0' ? verdict->explanation : verdict->why;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i].result == verdict->result)
			check_act(check, events[i].event, why);
	}
}

static void
tell(struct check *check, const struct spf_verdict *verdict)
{
	struct spf_stage *stage = check->stage;
	bool helo = stage->identity == IDENTITY_HELO;
	enum auth_result result = results[verdict->result];
	/* What matched needs no words; what went wrong does. */
	bool wrong = result == AUTH_TEMPERROR || result == AUTH_PERMERROR;

	check_result(check, "spf", result, wrong ? verdict->why : NULL, "smtp",
		     helo ? "helo" : "mailfrom", helo ? check->mail.helo : check->sender,
		     CHECK_END);
	log_event(LOG_INFO, "filter.spf", KV_CONN(check->mail.conn),
		  KV_STR("identity", helo ? "helo" : "mailfrom"), KV_STR("domain", stage->domain),
		  KV_STR("result", spf_result_name(verdict->result)), KV_STR("why", verdict->why));
	/* The last one counts: the HELO name's, unless there is a reverse-path. */
	check->spf = result;
	strlcpy(check->spf_domain, stage->domain, sizeof(check->spf_domain));
	act(check, verdict);
}

/* Nor does the HELO name's result count, if that is all that there was memory for. */
static void
end_without_memory(struct check *check)
{
	check_no_evidence(check, "spf");
	check_result(check, "spf", AUTH_TEMPERROR, "there is no memory", CHECK_END);
	check->spf = AUTH_TEMPERROR;
	check->spf_domain[0] = '\0';
	check_act(check, FILTER_ON_SPF_TEMPERROR, "there is no memory");
	stage_free(check);
	check_next(check);
}

/* One identity has its result. */
static void
identity_ends(struct check *check)
{
	struct spf_stage *stage = check->stage;

	if (spf_verdict(stage->spf)->no_memory)
		check_no_evidence(check, "spf");
	tell(check, spf_verdict(stage->spf));
	spf_free(stage->spf);
	stage->spf = NULL;
	evtimer_del(stage->timer);
	if (stage->identity == IDENTITY_HELO && check->sender[0] != '\0') {
		stage->identity = IDENTITY_MAIL_FROM;
		begin(check);
		return;
	}
	stage_free(check);
	check_next(check);
}

/* -- Questions -------------------------------------------------------------------------------- */

static void
on_text(const char *text, size_t length, void *arg)
{
	struct texts *texts = arg;
	struct mime_text record = {.at = text, .length = length};
	size_t *count = spf_is_record(record) ? &texts->records : &texts->others;

	if (*count == 2 || length > DNS_TXT_MAX)
		return;
	++*count;
	memcpy(texts->octets[texts->count], text, length);
	record.at = texts->octets[texts->count];
	texts->data[texts->count++] = (struct spf_data){.text = record};
}

static void
take_texts(struct spf *spf, const struct dns_reply *reply)
{
	struct texts texts = {.count = 0};
	struct spf_answer answer = {.data = texts.data};

	if (dns_parse_txt(reply->packet, reply->length, on_text, &texts) == -1)
		answer.status = SPF_FAILED;
	else
		answer.count = texts.count;
	spf_take(spf, &answer);
}

/* Names: of MX and PTR ten at most count (4.6.4). */
static void
take_names(struct spf *spf, const struct dns_reply *reply, uint16_t type)
{
	struct dns_answer found;
	struct spf_data data[DNS_RECORDS_MAX];
	struct spf_answer answer = {.data = data};

	if (dns_parse(reply->packet, reply->length, type, &found) == -1)
		answer.status = SPF_FAILED;
	else
		answer.count = found.count;
	for (size_t i = 0; i < answer.count; i++) {
		data[i] = (struct spf_data){
		    .text = {.at = found.records[i].name, .length = strlen(found.records[i].name)},
		};
	}
	spf_take(spf, &answer);
}

struct addresses {
	size_t count;
	struct spf_data *data; /* NULL: they are only counted */
};

static void
on_address(const struct in6_addr *address, void *arg)
{
	struct addresses *addresses = arg;

	if (addresses->data != NULL)
		addresses->data[addresses->count] = (struct spf_data){.address = *address};
	addresses->count++;
}

/* All of them, as many as fit into a packet: a host that is left out would fail. */
static void
take_addresses(struct check *check, const struct dns_reply *reply, uint16_t type)
{
	struct spf *spf = ((struct spf_stage *)check->stage)->spf;
	struct addresses found = {.count = 0};
	struct spf_answer answer = {.status = SPF_ANSWERED};

	if (dns_parse_addresses(reply->packet, reply->length, type, on_address, &found) == -1) {
		answer.status = SPF_FAILED;
		spf_take(spf, &answer);
		return;
	}
	answer.count = found.count;
	answer.data = found.data = calloc(found.count + 1, sizeof(*found.data));
	if (found.data == NULL) {
		check_no_evidence(check, "spf");
		spf_give_up(spf, "there is no memory");
		return;
	}
	found.count = 0;
	(void)dns_parse_addresses(reply->packet, reply->length, type, on_address, &found);
	spf_take(spf, &answer);
	free(found.data);
}

static void ask(struct check *);

static void
on_answer(const struct dns_reply *reply, void *arg)
{
	struct check *check = arg;
	struct spf_stage *stage = check->stage;
	uint16_t type = (uint16_t)spf_question(stage->spf)->type;
	const struct spf_answer nothing = {.status = reply->status == DNS_NO_NAME ? SPF_NO_NAME
										  : SPF_FAILED};

	stage->question = NULL;
	if (reply->status != DNS_ANSWERED)
		spf_take(stage->spf, &nothing);
	else if (type == DNS_TXT)
		take_texts(stage->spf, reply);
	else if (type == DNS_A || type == DNS_AAAA)
		take_addresses(check, reply, type);
	else
		take_names(stage->spf, reply, type);
	ask(check);
}

/* The next question, or the end. */
static void
ask(struct check *check)
{
	static const struct spf_answer none = {.status = SPF_NO_NAME};
	struct spf_stage *stage = check->stage;
	const struct spf_question *question;

	/* Libunbound reads a backslash as an escape: no name that anybody has published has one. */
	while ((question = spf_question(stage->spf)) != NULL &&
	       strchr(question->name, '\\') != NULL)
		spf_take(stage->spf, &none);
	if (question == NULL) {
		identity_ends(check);
		return;
	}
	stage->question = dns_ask(check->filter->resolver, question->name, (uint16_t)question->type,
				  on_answer, check);
	if (stage->question == NULL) {
		check_no_evidence(check, "spf");
		spf_give_up(stage->spf, "there is no memory");
		identity_ends(check);
	}
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct check *check = arg;
	struct spf_stage *stage = check->stage;

	(void)fd;
	(void)what;
	dns_forget(stage->question);
	stage->question = NULL;
	spf_give_up(stage->spf, "DNS takes too long");
	identity_ends(check);
}

/* -- Its start -------------------------------------------------------------------------------- */

/* Local part and domain, as A-labels. What is no domain name has no SPF. */
static void
set_identity(const struct check *check, struct spf_stage *stage)
{
	const char *at = strrchr(check->sender, '@'), *domain = check->mail.helo;
	struct error err;

	stage->local[0] = '\0';
	if (stage->identity == IDENTITY_MAIL_FROM) {
		size_t length = at != NULL ? (size_t)(at - check->sender) : 0;

		domain = at != NULL ? at + 1 : "";
		memcpy(stage->local, check->sender, length);
		stage->local[length] = '\0';
	}
	if (idn_to_ascii(domain, stage->domain, &err) == -1)
		stage->domain[0] = '\0';
}

static void
begin(struct check *check)
{
	static const struct timeval limits[] = {
	    [IDENTITY_HELO] = {.tv_sec = SPF_HELO_SECONDS},
	    [IDENTITY_MAIL_FROM] = {.tv_sec = SPF_MAIL_FROM_SECONDS},
	};
	struct spf_stage *stage = check->stage;
	struct spf_request request = {
	    .address = check->mail.peer.address,
	    .local = stage->local,
	    .domain = stage->domain,
	    .helo = check->mail.helo,
	    .receiver = check->filter->settings.hostname,
	    .now = (int64_t)time(NULL),
	};

	set_identity(check, stage);
	stage->spf = spf_new(&request);
	if (stage->spf == NULL || evtimer_add(stage->timer, &limits[stage->identity]) == -1)
		end_without_memory(check);
	else
		ask(check);
}

static void
start(struct check *check)
{
	struct spf_stage *stage = calloc(1, sizeof(*stage));

	check->stage = stage;
	if (stage == NULL ||
	    (stage->timer = evtimer_new(check->filter->base, on_time, check)) == NULL)
		end_without_memory(check);
	else
		begin(check);
}

const struct stage stage_spf = {
    .name = "spf",
    .kinds = FILTER_STRANGER,
    .start = start,
    .cancel = stage_free,
};
