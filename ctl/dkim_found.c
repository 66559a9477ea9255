/* SPDX-License-Identifier: ISC */
/* The keys that certd has, and how they are shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/cert_look.h"
#include "ctl/dkim.h"
#include "ctl/json.h"

#define PIECE 255 /* octets of a string in a TXT record (RFC 1035 3.3.14) */

static int
on_key(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	struct dkim_found *found = arg;
	struct cc_dkim_key *more;

	if (kind != 0 || length != sizeof(*more))
		return error_set(err, "certd says something that is no key");
	more = reallocarray(found->keys, found->count + 1, sizeof(*more));
	if (more == NULL)
		return error_errno(err, "the list");
	found->keys = more;
	memcpy(&found->keys[found->count], bytes, sizeof(*more));
	more = &found->keys[found->count];
	more->domain[sizeof(more->domain) - 1] = '\0';
	more->selector[sizeof(more->selector) - 1] = '\0';
	more->record[sizeof(more->record) - 1] = '\0';
	found->count++;
	return 0;
}

int
dkim_list(const struct cert_channel *channel, const char *domain, struct dkim_found *found,
	  struct error *err)
{
	struct cc_dkim body = {.from = 0};
	const struct cert_request ask = {.type = CC_DKIM_LIST,
					 .body = &body,
					 .size = sizeof(body),
					 .fd = -1,
					 .on_data = on_key,
					 .arg = found};
	char text[CERT_TEXT_MAX + 1];

	*found = (struct dkim_found){NULL, 0};
	strlcpy(body.domain, domain, sizeof(body.domain));
	return cert_ask(channel, &ask, text, err);
}

void
dkim_found_free(struct dkim_found *found)
{
	free(found->keys);
	*found = (struct dkim_found){NULL, 0};
}

/* -- Shown ------------------------------------------------------------------------------------ */

void
dkim_print_record(const struct cc_dkim_key *key)
{
	size_t length = strlen(key->record);

	printf("%s._domainkey.%s. IN TXT (", key->selector, key->domain);
	for (size_t at = 0; at < length; at += PIECE)
		printf(" \"%.*s\"", (int)(length - at < PIECE ? length - at : PIECE),
		       key->record + at);
	printf(" )\n");
}

const char *
dkim_state_of(const struct cc_dkim_key *key, int64_t now)
{
	if (key->until != 0 && key->until <= now)
		return "retired";
	return key->from > now ? "waiting" : "signing";
}

static bool
is_signing(const struct cc_dkim_key *key, int64_t now)
{
	return strcmp(dkim_state_of(key, now), "signing") == 0;
}

const char *
dkim_only_of_its_kind(const struct dkim_found *found, const struct cc_dkim_key *key, int64_t now)
{
	size_t others = 0, rsa = 0;

	for (size_t i = 0; i < found->count; i++) {
		const struct cc_dkim_key *other = &found->keys[i];

		if (other == key || strcmp(other->domain, key->domain) != 0 ||
		    !is_signing(other, now))
			continue;
		others++;
		rsa += other->bits != 0 ? 1 : 0;
	}
	if (!is_signing(key, now))
		return NULL;
	return others == 0 ? "key" : key->bits != 0 && rsa == 0 ? "RSA key" : NULL;
}

static void
print_time(const char *label, int64_t at)
{
	time_t when = (time_t)at;
	char text[64];
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm) > 0)
		printf(" %s %s", label, text);
}

void
dkim_print_key(const struct cc_dkim_key *key, int64_t now)
{
	const char *state = dkim_state_of(key, now);

	printf("%s %s %s", key->domain, key->selector, key->bits == 0 ? "ed25519" : "rsa");
	if (key->bits != 0)
		printf("-%u", key->bits);
	printf(" %s", state);
	if (strcmp(state, "waiting") == 0)
		print_time("until", key->from);
	else if (key->until != 0)
		print_time(strcmp(state, "retired") == 0 ? "since" : "until", key->until);
	printf("\n");
}

static void
json_time(struct json *json, const char *name, int64_t at)
{
	char text[CERT_TEXT_SIZE];

	if (at == 0)
		json_null(json, name);
	else
		json_string(json, name, cert_iso_time(at, text));
}

void
dkim_print_json(const struct dkim_found *found, int64_t now)
{
	struct json json = json_start(stdout);

	json_array(&json, NULL);
	for (size_t i = 0; i < found->count; i++) {
		const struct cc_dkim_key *key = &found->keys[i];

		json_object(&json, NULL);
		json_string(&json, "domain", key->domain);
		json_string(&json, "selector", key->selector);
		json_string(&json, "algorithm", key->bits == 0 ? "ed25519" : "rsa");
		if (key->bits == 0)
			json_null(&json, "bits");
		else
			json_number(&json, "bits", key->bits);
		json_string(&json, "state", dkim_state_of(key, now));
		json_time(&json, "from", key->from);
		json_time(&json, "until", key->until);
		json_string(&json, "record", key->record);
		json_end(&json);
	}
	json_end(&json);
}
