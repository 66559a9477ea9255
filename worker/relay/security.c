/* SPDX-License-Identifier: ISC */
#include "worker/relay/security.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
refuse(struct reply *why, unsigned code, const char *status, const char *text, const char *name)
{
	memset(why, 0, sizeof(*why));
	why->code = code;
	(void)snprintf(why->status, sizeof(why->status), "%s", status);
	(void)snprintf(why->text, sizeof(why->text), "%s: %.180s", text, name);
	return false;
}

static void
raise_to(struct security *security, enum security_level level, const char *by)
{
	if (level <= security->level)
		return;
	security->level = level;
	security->by = by;
}

/* RFC 7672 2.2: no record or no proof leaves all as it was. */
static bool
apply_dane(const struct security_facts *facts, struct security *security, struct reply *why)
{
	struct dane *dane = facts->dane;

	if (dane == NULL || dane->state == DANE_NONE)
		return true;
	if (dane->state == DANE_FAILED)
		return refuse(why, 451, "4.7.5", "DNS does not say which certificate it has (TLSA)",
			      facts->host);
	strlcpy(security->name, dane->base, sizeof(security->name));
	if (dane->state == DANE_UNUSABLE) {
		raise_to(security, SECURITY_REQUIRED, "dane");
		return true;
	}
	security->dane = dane;
	if (!facts->named)
		strlcpy(security->other, facts->domain, sizeof(security->other));
	raise_to(security, SECURITY_DANE, "dane");
	return true;
}

/* RFC 8461 5: only an enforced policy changes anything. */
static bool
apply_sts(const struct security_facts *facts, struct security *security, struct reply *why)
{
	if (facts->sts == NULL || facts->sts->mode != STS_ENFORCE || facts->named ||
	    security->level == SECURITY_DANE)
		return true;
	if (!sts_policy_matches(facts->sts, facts->host))
		return refuse(why, 451, "4.7.5",
			      "the domain's MTA-STS policy does not name the server", facts->host);
	raise_to(security, SECURITY_VERIFIED, "sts");
	strlcpy(security->name, facts->host, sizeof(security->name));
	return true;
}

/*
 * RFC 8689 4.2.1: a certificate that is verified, of a server of which something better than plain
 * DNS says that it is the domain's. Where nobody has published that, or TLS is switched off,
 * waiting is for nothing: the mail's sender hears so at once.
 */
static bool
apply_requiretls(const struct security_facts *facts, struct security *security, struct reply *why)
{
	bool sure = facts->named || facts->secure || security->level == SECURITY_DANE ||
		    (facts->sts != NULL && facts->sts->mode != STS_NONE &&
		     sts_policy_matches(facts->sts, facts->host));

	if (!facts->requiretls)
		return true;
	if (facts->tls == RELAY_TLS_NONE)
		return refuse(why, 550, "5.7.10",
			      "the mail requires TLS, and it is switched off for", facts->domain);
	if (!sure && facts->unsure)
		return refuse(
		    why, 451, "4.7.30",
		    "the mail requires TLS, and nothing proves by now whose server this is",
		    facts->host);
	if (!sure)
		return refuse(why, 550, "5.7.30",
			      "the mail requires TLS, and nothing proves whose server this is",
			      facts->host);
	raise_to(security, SECURITY_VERIFIED, "requiretls");
	return true;
}

bool
security_of(const struct security_facts *facts, struct security *security, struct reply *why)
{
	static const enum security_level configured[RELAY_TLS_COUNT] = {
	    [RELAY_TLS_NONE] = SECURITY_NONE,
	    [RELAY_TLS_OPPORTUNISTIC] = SECURITY_OFFERED,
	    [RELAY_TLS_REQUIRE] = SECURITY_REQUIRED,
	    [RELAY_TLS_VERIFY] = SECURITY_VERIFIED,
	};

	*security = (struct security){.level = configured[facts->tls], .by = "configured"};
	strlcpy(security->name, facts->host, sizeof(security->name));
	/* Who switches TLS off does not want to hear what others think of it; nor who sends a mail
	 * to say that something is wrong there (RFC 8689 4.2.2, 8.4). */
	return (facts->tls == RELAY_TLS_NONE || facts->optional ||
		(apply_dane(facts, security, why) && apply_sts(facts, security, why))) &&
	       apply_requiretls(facts, security, why);
}

bool
security_suffices(const struct security *have, const struct security *want)
{
	if (have->level < want->level || want->level == SECURITY_NONE)
		return have->level == want->level;
	if (want->level < SECURITY_VERIFIED)
		return true;
	/* A certificate that DANE names may be of no authority. */
	return have->level == want->level && strcasecmp(have->name, want->name) == 0 &&
	       strcasecmp(have->other, want->other) == 0;
}

const char *
security_word(const struct security *security)
{
	if (security->level == SECURITY_DANE)
		return "dane";
	if (security->level < SECURITY_VERIFIED)
		return "none";
	return strcmp(security->by, "sts") == 0 ? "sts" : "pkix";
}
