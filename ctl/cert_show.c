/* SPDX-License-Identifier: ISC */
/* posternctl cert show: all a certificate says, and those above it, in plain words. */
#include <stdio.h>
#include <string.h>

#include "ctl/cert_look.h"
#include "ctl/ctl.h"

static void
line(const char *label, const char *text)
{
	printf("  %-16s %s\n", label, text);
}

/* What each use means; others are shown by their name. */
static const struct {
	const char *word, *meaning;
} uses[] = {
    {"digitalSignature", "sign handshakes"},
    {"nonRepudiation", "sign documents"},
    {"keyEncipherment", "exchange keys the old way (RSA)"},
    {"dataEncipherment", "encrypt data"},
    {"keyAgreement", "agree on keys"},
    {"keyCertSign", "sign certificates"},
    {"cRLSign", "sign revocation lists"},
    {"serverAuth", "be a server"},
    {"clientAuth", "be a client"},
    {"emailProtection", "sign and encrypt mail"},
    {"codeSigning", "sign programs"},
    {"OCSPSigning", "answer whether certificates are revoked"},
    {"timeStamping", "sign times"},
    {"anyExtendedKeyUsage", "anything"},
};

/* LIST: "digitalSignature, keyEncipherment". */
static void
print_uses(const char *label, const char *list)
{
	char copy[CERT_USAGE_SIZE], *rest = copy, *word;

	strlcpy(copy, list, sizeof(copy));
	while ((word = strsep(&rest, ",")) != NULL) {
		char text[CERT_USAGE_SIZE + 64];

		word += strspn(word, " ");
		strlcpy(text, word, sizeof(text));
		for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
			if (strcmp(uses[i].word, word) == 0)
				snprintf(text, sizeof(text), "%s (%s)", uses[i].meaning, word);
		}
		line(label, text);
		label = "";
	}
}

static void
print_names(const struct cert_item *item)
{
	const char *name = item->names, *label = "for";

	for (uint32_t i = 0; i < item->facts.sans; i++, name += strlen(name) + 1) {
		line(label, name);
		label = "";
	}
	if (item->facts.sans == 0 && item->facts.depth == 0)
		line(label, "no name (no subjectAltName): clients refuse that");
	if (item->facts.sans_left > 0)
		printf("  %-16s and %u more\n", "", item->facts.sans_left);
}

static void
print_certificate(const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;
	char text[CERT_TEXT_SIZE], days[CERT_TEXT_SIZE], dated[2 * CERT_TEXT_SIZE + 4];

	print_names(item);
	line("subject", facts->subject[0] != '\0' ? facts->subject : "-");
	line("issuer",
	     (facts->flags & CERT_FLAG_SELF_SIGNED) != 0 ? "itself (self-signed)" : facts->issuer);
	line("valid from", cert_time(facts->not_before, text));
	snprintf(dated, sizeof(dated), "%s (%s)", cert_time(facts->not_after, text),
		 cert_days(facts->not_after, time(NULL), days));
	line("valid until", dated);
	line("key", cert_key(facts, text));
	line("signed with", facts->signature);
	line("serial number", facts->serial);
	if ((facts->flags & CERT_FLAG_CA) != 0)
		line("kind", "an authority's: it signs other certificates");
	if (facts->usage[0] != '\0')
		print_uses("its key may", facts->usage);
	if (facts->extended_usage[0] != '\0')
		print_uses("it serves to", facts->extended_usage);
	line("SHA-256", cert_fingerprint(facts->sha256, text));
	line("key's SHA-256", cert_fingerprint(facts->key_sha256, text));
}

static void
print_state(const struct configuration *conf, const struct cert_items *items,
	    const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;
	char used[PRESENTERS_SIZE];

	switch ((enum cert_state)facts->state) {
	case CERT_IN_FORCE:
		cert_presenters(conf, items, item, used, sizeof(used));
		line("used by", used[0] != '\0' ? used : "no listener as its own");
		break;
	case CERT_REFUSED:
		line("state", "refused: certd does not use it");
		break;
	case CERT_KEPT:
		line("state", "was replaced, and is kept aside: posternctl cert restore");
		break;
	}
	if (facts->why[0] != '\0')
		line("wrong", facts->why);
}

static void
print_named(const struct configuration *conf, const struct cert_items *items, const char *name)
{
	for (size_t i = 0; i < items->count; i++) {
		const struct cert_item *item = &items->list[i];

		if (strcmp(item->facts.name, name) != 0)
			continue;
		if (item->facts.depth == 0) {
			printf("%s\n", item->facts.name);
			print_state(conf, items, item);
		} else {
			printf("Above it, %u of %u:\n", item->facts.depth, item->facts.above);
		}
		if (item->facts.not_after != 0)
			print_certificate(item);
	}
}

int
ctl_cert_show(int argc, char **argv)
{
	const struct cert_wanted wanted = {.chain = true};
	struct configuration *conf;
	struct conf_users users;
	struct cert_items items;
	struct error err;
	int result = CTL_OK;

	if (argc != 2)
		return CTL_USAGE;
	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	if (cert_look(conf, &users, &wanted, &items, &err) == -1) {
		conf_free(conf);
		return ctl_error(&err);
	}
	if (cert_item_find(&items, argv[1], &err) == NULL)
		result = ctl_error(&err);
	else
		print_named(conf, &items, argv[1]);
	cert_items_free(&items);
	conf_free(conf);
	return result == CTL_OK && fflush(stdout) == EOF ? CTL_FAILED : result;
}
