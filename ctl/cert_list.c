/* SPDX-License-Identifier: ISC */
/* posternctl cert list: a few lines a certificate, or JSON. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cert_look.h"
#include "ctl/ctl.h"
#include "ctl/json.h"

static const char *
state_word(const struct cc_facts *facts)
{
	switch ((enum cert_state)facts->state) {
	case CERT_IN_FORCE:
		return "in force";
	case CERT_REFUSED:
		return "refused";
	case CERT_KEPT:
		return "kept";
	}
	return "unknown";
}

/* Whom it is for: its names, else its common name. */
static void
print_names(const struct cert_item *item)
{
	const char *name = item->names;

	for (uint32_t i = 0; i < item->facts.sans; i++, name += strlen(name) + 1)
		printf(" %s", strncmp(name, "DNS:", 4) == 0 ? name + 4 : name);
	if (item->facts.sans == 0)
		printf(" %s", item->facts.common_name);
	if (item->facts.sans_left > 0)
		printf(" and %u more", item->facts.sans_left);
}

static void
print_item(const struct configuration *conf, const struct cert_items *items,
	   const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;
	char text[CERT_TEXT_SIZE], days[CERT_TEXT_SIZE], used[PRESENTERS_SIZE];

	printf("%s%s\n", facts->name,
	       facts->state == CERT_KEPT
		   ? "  (replaced, kept aside)"
		   : (facts->state == CERT_REFUSED ? "  (refused: not in use)" : ""));
	if (facts->not_after != 0) {
		printf("  for     ");
		print_names(item);
		printf("\n  issuer   %s%s\n", facts->issuer_name,
		       (facts->flags & CERT_FLAG_SELF_SIGNED) != 0 ? " (self-signed)" : "");
		printf("  until    %s", cert_time(facts->not_after, text));
		printf(" (%s)\n", cert_days(facts->not_after, time(NULL), days));
		printf("  key      %s\n", cert_key(facts, text));
	}
	if (facts->state == CERT_IN_FORCE) {
		cert_presenters(conf, items, item, used, sizeof(used));
		printf("  used by  %s\n", used[0] != '\0'          ? used
					  : conf_has_sni_any(conf) ? "clients that ask for its name"
								   : "no listener");
	}
	if (facts->not_after != 0)
		printf("  SHA-256  %s\n", cert_fingerprint(facts->sha256, text));
	if (facts->why[0] != '\0')
		printf("  wrong    %s\n", facts->why);
}

static void
json_names(struct json *json, const struct cert_item *item)
{
	const char *name = item->names;

	json_array(json, "names");
	for (uint32_t i = 0; i < item->facts.sans; i++, name += strlen(name) + 1)
		json_string(json, NULL, name);
	json_end(json);
}

static void
json_used(struct json *json, const struct configuration *conf, const struct cert_items *items,
	  const struct cert_item *item)
{
	char used[PRESENTERS_SIZE], *rest = used, *label;

	cert_presenters(conf, items, item, used, sizeof(used));
	json_array(json, "used_by");
	while ((label = strsep(&rest, " ")) != NULL) {
		if (label[0] != '\0')
			json_string(json, NULL, label);
	}
	json_end(json);
}

static void
json_certificate(struct json *json, const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;
	char text[CERT_TEXT_SIZE];

	json_string(json, "subject", facts->subject);
	json_string(json, "issuer", facts->issuer);
	json_string(json, "serial", facts->serial);
	json_string(json, "not_before", cert_iso_time(facts->not_before, text));
	json_string(json, "not_after", cert_iso_time(facts->not_after, text));
	json_number(json, "days_left",
		    (facts->not_after - (int64_t)time(NULL)) / (24 * 60 * INT64_C(60)));
	json_string(json, "key", facts->key);
	json_number(json, "key_bits", facts->key_bits);
	json_string(json, "signature", facts->signature);
	json_bool(json, "self_signed", (facts->flags & CERT_FLAG_SELF_SIGNED) != 0);
	json_bool(json, "for_hostname", (facts->flags & CERT_FLAG_FOR_HOST) != 0);
	json_number(json, "chain", facts->above);
	json_string(json, "sha256", cert_fingerprint(facts->sha256, text));
	json_string(json, "key_sha256", cert_fingerprint(facts->key_sha256, text));
}

static void
print_json(const struct configuration *conf, const struct cert_items *items)
{
	struct json json = json_start(stdout);

	json_array(&json, NULL);
	for (size_t i = 0; i < items->count; i++) {
		const struct cert_item *item = &items->list[i];

		json_object(&json, NULL);
		json_string(&json, "name", item->facts.name);
		json_string(&json, "state", state_word(&item->facts));
		json_names(&json, item);
		if (item->facts.not_after != 0)
			json_certificate(&json, item);
		json_used(&json, conf, items, item);
		if (item->facts.why[0] != '\0')
			json_string(&json, "why", item->facts.why);
		else
			json_null(&json, "why");
		json_end(&json);
	}
	json_end(&json);
}

static void
print_text(const struct configuration *conf, const struct cert_items *items)
{
	if (items->count == 0)
		printf("No certificate in %s: posternctl cert create NAME makes one.\n",
		       conf->certs);
	for (size_t i = 0; i < items->count; i++)
		print_item(conf, items, &items->list[i]);
}

int
ctl_cert_list(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	const struct cert_wanted wanted = {.chain = false};
	struct configuration *conf;
	struct conf_users users;
	struct cert_items items;
	struct error err;
	bool as_json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return CTL_USAGE;
		as_json = true;
	}
	if (argc != optind)
		return CTL_USAGE;
	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	if (cert_look(conf, &users, &wanted, &items, &err) == -1) {
		conf_free(conf);
		return ctl_error(&err);
	}
	if (as_json)
		print_json(conf, &items);
	else
		print_text(conf, &items);
	cert_items_free(&items);
	conf_free(conf);
	return fflush(stdout) == EOF ? CTL_FAILED : CTL_OK;
}
