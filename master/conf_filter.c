/* SPDX-License-Identifier: ISC */
/* filter = { check = "strangers"; failure = "temp-fail"; }; */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/idn.h"
#include "common/proto/master_filter.h"
#include "master/conf_check.h"
#include "master/conf_keys.h"

/* By enum filter_check. */
static const char *const check_words[] = {"none", "strangers", "all", NULL};
/* By enum filter_failure. */
static const char *const failure_words[] = {"temp-fail", "accept", NULL};

static const char *const sign_words[] = {"off", "on", NULL};

/* By enum filter_action. */
static const char *const action_words[] = {"nothing", "junk", "hold", "reject", NULL};

#define ACTION(word, event, otherwise)                                                   \
	{                                                                                \
		.name = (word), .kind = CONF_CHOICE, .offset = OFFSET(actions[(event)]), \
		.choices = action_words, .fallback = (otherwise),                        \
	}
#define OFFSET(member) offsetof(struct configuration, filter.member)
static const struct conf_key spf_keys[] = {
    ACTION("fail", FILTER_ON_SPF_FAIL, FILTER_DO_NOTHING),
    ACTION("softfail", FILTER_ON_SPF_SOFTFAIL, FILTER_DO_NOTHING),
    ACTION("permerror", FILTER_ON_SPF_PERMERROR, FILTER_DO_NOTHING),
    ACTION("temperror", FILTER_ON_SPF_TEMPERROR, FILTER_DO_NOTHING),
    {0},
};

static const struct conf_key dmarc_keys[] = {
    ACTION("reject", FILTER_ON_DMARC_REJECT, FILTER_DO_REJECT),
    ACTION("quarantine", FILTER_ON_DMARC_QUARANTINE, FILTER_DO_JUNK),
    ACTION("temperror", FILTER_ON_DMARC_TEMPERROR, FILTER_DO_NOTHING),
    {0},
};

static void
add_trusted(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_filter *filter = &((struct configuration *)target)->filter;
	char ascii[HOST_NAME_SIZE], domain[HOST_NAME_SIZE];
	struct error err;

	if (idn_to_ascii(text, ascii, &err) == -1 ||
	    address_parse_domain(ascii, strlen(ascii), domain) != ADDRESS_OK)
		conf_bad(r, setting, "has \"%s\", which is no domain", text);
	else if (filter->arc_trusted_count == FILTER_TRUSTED_MAX)
		conf_bad(r, setting, "has more than %d domains", FILTER_TRUSTED_MAX);
	else
		strlcpy(filter->arc_trusted[filter->arc_trusted_count++], domain, HOST_NAME_SIZE);
}

static void
set_trusted(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "a domain", add_trusted, target);
}

_Static_assert(FILTER_EXEMPT_MAX == GATE_EXEMPT_MAX, "both are kept in a struct conf_exempt");

static void
set_exempt(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_exempt(r, setting, &((struct configuration *)target)->filter.exempt);
}

/* "127.0.0.2", or "127.0.0.2-11" for a span of its last number. False if it is none of 127/8. */
static bool
parse_codes(const char *text, struct mf_list *list)
{
	const char *dash = strchr(text, '-'), *error = NULL;
	char first[sizeof("127.255.255.255")];
	struct in_addr address;
	uint32_t last;

	if (strlcpy(first, text, sizeof(first)) >= sizeof(first) && dash == NULL)
		return false;
	if (dash != NULL && (size_t)(dash - text) < sizeof(first))
		first[dash - text] = '\0';
	if (inet_pton(AF_INET, first, &address) != 1)
		return false;
	list->first = ntohl(address.s_addr);
	list->last = list->first;
	if (dash != NULL) {
		last = (uint32_t)strtonum(dash + 1, list->first & 0xff, 255, &error);
		list->last = (list->first & ~0xffU) | last;
	}
	return error == NULL && list->first >> 24 == 127;
}

/*
 * ZONE, or ZONE=CODES. Without codes all of 127/8 count, but for 127.255/16, which lists use to say
 * that they don't answer whoever asks.
 */
static void
add_list(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_filter *filter = &((struct configuration *)target)->filter;
	struct mf_list list = {.first = 0x7f000001, .last = 0x7ffeffff};
	const char *equals = strchr(text, '=');
	size_t length = equals == NULL ? strlen(text) : (size_t)(equals - text);
	char *name = strndup(text, length), ascii[HOST_NAME_SIZE];
	struct error err;
	bool good = name != NULL && idn_to_ascii(name, ascii, &err) == 0 &&
		    address_parse_domain(ascii, strlen(ascii), list.zone) == ADDRESS_OK;

	free(name);
	if (!good || (equals != NULL && !parse_codes(equals + 1, &list)))
		conf_bad(r, setting,
			 "has \"%.255s\", which is no zone, or none with its answers as in "
			 "\"bl.example.org=127.0.0.2-11\"",
			 text);
	else if (filter->list_count == FILTER_LISTS_MAX)
		conf_bad(r, setting, "has more than %d lists", FILTER_LISTS_MAX);
	else
		filter->lists[filter->list_count++] = list;
}

static void
set_lists(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "a zone", add_list, target);
}

const struct conf_key conf_filter_keys[] = {
    {.name = "check",
     .kind = CONF_CHOICE,
     .offset = OFFSET(check),
     .choices = check_words,
     .fallback = FILTER_CHECK_STRANGERS},
    {.name = "failure",
     .kind = CONF_CHOICE,
     .offset = OFFSET(failure),
     .choices = failure_words,
     .fallback = FILTER_FAIL_LATER},
    {.name = "sign",
     .kind = CONF_CHOICE,
     .offset = OFFSET(sign),
     .choices = sign_words,
     .fallback = 1},
    {.name = "spf", .kind = CONF_GROUP, .keys = spf_keys},
    {.name = "dmarc", .kind = CONF_GROUP, .keys = dmarc_keys},
    {.name = "arc_trusted", .kind = CONF_OTHER, .set = set_trusted},
    ACTION("helo", FILTER_ON_HELO, FILTER_DO_NOTHING),
    ACTION("iprev", FILTER_ON_IPREV_FAIL, FILTER_DO_NOTHING),
    {.name = "dnsbl", .kind = CONF_OTHER, .set = set_lists},
    ACTION("dnsbl_action", FILTER_ON_LISTED, FILTER_DO_REJECT),
    {.name = "exempt", .kind = CONF_OTHER, .set = set_exempt},
    {.name = "milters", .kind = CONF_OTHER, .set = conf_set_milters},
    {0},
};

bool
conf_filters(const struct configuration *conf)
{
	return conf->filter.check != FILTER_CHECK_NONE || conf->filter.sign == 1 ||
	       conf->filter.milter_count > 0;
}
