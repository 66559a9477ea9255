/* SPDX-License-Identifier: ISC */
#include "ctl/cert_look.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/name.h"
#include "ctl/ctl.h"

#define ITEMS_MAX 4096
#define WEAK_BITS 2048
#define DAY 86400

/* Is the tail what facts->sans says it is? */
static bool
are_names(const struct cc_facts *facts, const char *bytes, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += bytes[i] == '\0';
	return count == facts->sans && (length == 0 || bytes[length - 1] == '\0');
}

static int
on_facts(const struct ipc_message *message, void *arg, struct error *err)
{
	struct cert_items *items = arg;
	struct cert_item *list, *item;

	if (message->type != CC_FACTS || items->count == ITEMS_MAX ||
	    !are_names(message->body, message->tail, message->tail_length))
		return error_set(err, "certd: an answer that can't be");
	list = reallocarray(items->list, items->count + 1, sizeof(*list));
	if (list == NULL)
		return error_errno(err, "the list");
	items->list = list;
	item = &list[items->count];
	memcpy(&item->facts, message->body, sizeof(item->facts));
	item->names = malloc(message->tail_length + 1);
	if (item->names == NULL)
		return error_errno(err, "the list");
	memcpy(item->names, message->tail, message->tail_length);
	items->count++;
	return 0;
}

void
cert_items_free(struct cert_items *items)
{
	for (size_t i = 0; i < items->count; i++)
		free(items->list[i].names);
	free(items->list);
	free(items->candidates);
	*items = (struct cert_items){NULL, 0, NULL, 0};
}

static int
compare(const void *a, const void *b)
{
	const struct cc_facts *x = &((const struct cert_item *)a)->facts;
	const struct cc_facts *y = &((const struct cert_item *)b)->facts;
	static const int places[] = {[CERT_IN_FORCE] = 0, [CERT_REFUSED] = 1, [CERT_KEPT] = 2};
	int order = places[x->state & 3] - places[y->state & 3];

	if (order == 0)
		order = strcmp(x->name, y->name);
	return order != 0 ? order : (int)x->depth - (int)y->depth;
}

static struct conf_candidate
candidate_of(const struct configuration *conf, const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;
	bool rsa = strcmp(facts->key, "RSA") == 0;
	bool exact = names_have_host(item->names, facts->sans, conf->hostname);

	return (struct conf_candidate){
	    .name = facts->name,
	    .kind =
		rsa ? CONF_KEY_RSA
		    : (strncmp(facts->key, "ECDSA", 5) == 0 ? CONF_KEY_ECDSA : CONF_KEY_ED25519),
	    .weak = rsa && facts->key_bits < WEAK_BITS,
	    .self_signed = (facts->flags & CERT_FLAG_SELF_SIGNED) != 0,
	    .exact = exact,
	    .wildcard = !exact && (facts->flags & CERT_FLAG_FOR_HOST) != 0,
	    .until = facts->not_after,
	};
}

static int
sort(const struct configuration *conf, struct cert_items *items, struct error *err)
{
	if (items->count == 0)
		return 0;
	qsort(items->list, items->count, sizeof(*items->list), compare);
	items->candidates = calloc(items->count, sizeof(*items->candidates));
	if (items->candidates == NULL)
		return error_errno(err, "the list");
	for (size_t i = 0; i < items->count; i++) {
		const struct cert_item *item = &items->list[i];

		if (item->facts.state == CERT_IN_FORCE && item->facts.depth == 0)
			items->candidates[items->candidate_count++] = candidate_of(conf, item);
	}
	return 0;
}

int
cert_look(const struct configuration *conf, const struct conf_users *users,
	  const struct cert_wanted *wanted, struct cert_items *items, struct error *err)
{
	struct cc_look look = {.chain = wanted->chain};
	struct cert_request request = {.type = CC_LOOK,
				       .body = &look,
				       .size = sizeof(look),
				       .fd = -1,
				       .on_item = on_facts,
				       .arg = items};
	char text[CERT_TEXT_MAX + 1];
	int result;

	*items = (struct cert_items){NULL, 0, NULL, 0};
	strlcpy(look.host, conf->hostname, sizeof(look.host));
	if (wanted->authorities != NULL) {
		int fd = open(wanted->authorities, O_RDONLY | O_CLOEXEC | O_NOCTTY);

		if (fd == -1)
			return error_errno(err,
					   "the authorities that clients know, %s (the package "
					   "ca-certificates, or --authorities FILE)",
					   wanted->authorities);
		request.type = CC_CHECK;
		request.fd = fd;
	}
	result = cert_ask_once(conf, users, &request, text, err);
	if (request.fd != -1)
		close(request.fd);
	if (result == 0)
		result = sort(conf, items, err);
	if (result == -1)
		cert_items_free(items);
	return result;
}

const struct cert_item *
cert_item_find(const struct cert_items *items, const char *name, struct error *err)
{
	for (size_t i = 0; i < items->count; i++) {
		if (strcmp(items->list[i].facts.name, name) == 0)
			return &items->list[i];
	}
	error_set(err, "%s: there is no certificate of that name: posternctl cert list shows all",
		  name);
	return NULL;
}

void
cert_presenters(const struct configuration *conf, const struct cert_items *items,
		const struct cert_item *item, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < items->candidate_count; i++) {
		if (items->candidates[i].name == item->facts.name)
			conf_presenters(conf, items->candidates, items->candidate_count, i, out,
					size);
	}
}

const char *
cert_fingerprint(const uint8_t digest[CERT_SHA256_SIZE], char *out)
{
	for (size_t i = 0; i < CERT_SHA256_SIZE; i++)
		snprintf(out + 3 * i, 4, "%02X%s", digest[i], i + 1 < CERT_SHA256_SIZE ? ":" : "");
	return out;
}

static const char *
print_time(int64_t seconds, const char *format, const char *none, char *out)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	if (seconds == INT64_MAX || gmtime_r(&time, &tm) == NULL ||
	    strftime(out, CERT_TEXT_SIZE, format, &tm) == 0)
		strlcpy(out, none, CERT_TEXT_SIZE);
	return out;
}

const char *
cert_time(int64_t seconds, char *out)
{
	return print_time(seconds, "%Y-%m-%d %H:%M:%S UTC", "never", out);
}

const char *
cert_iso_time(int64_t seconds, char *out)
{
	return print_time(seconds, "%Y-%m-%dT%H:%M:%SZ", "", out);
}

const char *
cert_days(int64_t until, time_t now, char *out)
{
	int64_t left = until - (int64_t)now;
	int64_t days = (left < 0 ? -left : left) / DAY;
	const char *unit = days == 1 ? "day" : "days";

	if (left < 0)
		snprintf(out, CERT_TEXT_SIZE, "expired %" PRId64 " %s ago", days, unit);
	else
		snprintf(out, CERT_TEXT_SIZE, "%" PRId64 " %s left", days, unit);
	return out;
}

const char *
cert_key(const struct cc_facts *facts, char *out)
{
	snprintf(out, CERT_TEXT_SIZE, "%s, %u bits", facts->key, facts->key_bits);
	return out;
}
