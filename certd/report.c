/* SPDX-License-Identifier: ISC */
#include "certd/report.h"

#include <stdlib.h>
#include <string.h>

#include "certd/chain.h"
#include "certd/expiry.h"
#include "certd/facts.h"
#include "certd/name.h"

static uint32_t
kind_of(const struct key *key)
{
	switch (key_kind(key)) {
	case KEY_RSA:
		return MD_KEY_RSA;
	case KEY_ED25519:
		return MD_KEY_ED25519;
	case KEY_P256:
	case KEY_P384:
	case KEY_P521:
		break;
	}
	return MD_KEY_ECDSA;
}

/* What the leaf says. */
static void
add_facts(const struct facts *facts, const char *host, struct md_certificate *report)
{
	/* The master takes no time that nobody means. */
	report->until = facts->facts.not_after;
	if (report->until < 0)
		report->until = 0;
	else if (report->until > EXPIRY_MAX)
		report->until = EXPIRY_MAX;
	if ((facts->facts.flags & CERT_FLAG_SELF_SIGNED) != 0)
		report->flags |= MD_CERT_SELF_SIGNED;
	if (names_have_host(facts->names, facts->facts.sans, host))
		report->flags |= MD_CERT_EXACT;
	else if ((facts->facts.flags & CERT_FLAG_FOR_HOST) != 0)
		report->flags |= MD_CERT_WILDCARD;
}

void
report_fill(const struct vault_entry *entry, const char *host, int64_t now,
	    struct md_certificate *report)
{
	struct facts *facts = malloc(sizeof(*facts));
	STACK_OF(X509) * chain;
	struct error err;

	*report = (struct md_certificate){.until = INT64_MAX, .kind = kind_of(entry->pair->key)};
	strlcpy(report->name, entry->name, sizeof(report->name));
	if (key_is_weak(entry->pair->key))
		report->flags |= MD_CERT_WEAK;
	chain = chain_from_der(entry->pair->chain, entry->pair->chain_length, &err);
	if (facts != NULL && chain != NULL) {
		facts_read(sk_X509_value(chain, 0), host, facts);
		add_facts(facts, host, report);
	}
	if (report->until != INT64_MAX)
		report->step = expiry_step(report->until - now);
	chain_free(chain);
	free(facts);
}

void
report_send(struct ipc_channel *control, const struct vault *vault, const char *host, int64_t now)
{
	const struct ipc_empty empty = {{0}};
	const struct vault_entry *entry = NULL;
	struct md_certificate report;

	while ((entry = vault_next(vault, entry)) != NULL) {
		report_fill(entry, host, now, &report);
		(void)ipc_send(control, MD_CERTIFICATE, 0, &report, NULL, 0, -1);
	}
	(void)ipc_send(control, MD_TOLD, 0, &empty, NULL, 0, -1);
}
