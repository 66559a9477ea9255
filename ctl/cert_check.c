/* SPDX-License-Identifier: ISC */
/* posternctl cert check: what mail clients will say of the certificates, and what to do about it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cert_look.h"
#include "ctl/ctl.h"
#include "ctl/options.h"

#define AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"
#define DAY 86400
#define WAITS "waits for an authority's answer" /* certd's word: nothing is wrong */
#define DAYS_WRONG 14                           /* nobody has renewed it, as it seems */
#define DAYS_NOTE 30

struct check {
	const struct configuration *conf;
	const struct cert_items *items;
	const char *name; /* the one that is to be checked; NULL: all */
	time_t now;
	unsigned wrong;
};

static void
fine(const char *text)
{
	printf("  ok     %s\n", text);
}

static void say(const char *mark, const char *todo, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(const char *mark, const char *todo, const char *format, ...)
{
	va_list ap;

	printf("  %-6s ", mark);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n         %s\n", todo);
}

/* What a client says, and what helps. %s is struct cc_facts' detail. */
static const struct {
	enum cert_problem problem;
	const char *text, *todo;
} problems[] = {
    {CERT_EXPIRED, "it has expired: clients refuse it",
     "Get a new one: posternctl cert request NAME, then posternctl cert import FILE."},
    {CERT_NOT_YET_VALID, "it is not valid yet: clients refuse it", "Is the clock right?"},
    {CERT_CHAIN_DATES, "a certificate above it has expired, or is not valid yet: clients refuse it",
     "Import the chain that the authority gives out today."},
    {CERT_SELF_SIGNED, "it is signed by itself: clients warn that they don't know who it is of",
     "Get one from an authority: posternctl cert request NAME, then posternctl cert import FILE."},
    {CERT_UNKNOWN_AUTHORITY, "its authority is none that clients know: they warn",
     "Have each client trust that authority, or get one from an authority they know."},
    {CERT_MISSING_ISSUER, "clients will refuse it: the certificate of its issuer is missing: ",
     "Import it again with the authority's intermediate certificates (fullchain.pem)."},
    {CERT_PURPOSE, "it is not for a server: clients refuse it",
     "Ask the authority for a server's certificate (TLS Web Server Authentication)."},
    {CERT_WEAK_KEY, "its key is weak: clients of today refuse it",
     "Make a new one: posternctl cert create NAME."},
    {CERT_WEAK_CHAIN, "a signature or a key above it is weak: clients of today refuse it",
     "Get one from an authority of today."},
    {CERT_OTHER_PROBLEM, "clients may refuse it: ", "posternctl cert show NAME tells more."},
};

static void
check_trust(struct check *check, const struct cc_facts *facts)
{
	if ((facts->flags & CERT_FLAG_CHECKED) == 0)
		return;
	if (facts->problems == 0)
		fine("clients know the authority behind it, and the chain is whole");
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		bool detailed = problems[i].problem == CERT_MISSING_ISSUER ||
				problems[i].problem == CERT_OTHER_PROBLEM;

		if ((facts->problems & problems[i].problem) == 0)
			continue;
		say("WRONG", problems[i].todo, "%s%s", problems[i].text,
		    detailed ? facts->detail : "");
		check->wrong++;
	}
}

static void
check_dates(struct check *check, const struct cc_facts *facts)
{
	static const char todo[] = "Renew it: posternctl cert request NAME, then posternctl cert "
				   "import FILE.";
	int64_t left = facts->not_after - (int64_t)check->now;
	char text[CERT_TEXT_SIZE];

	if (left < 0)
		return; /* told already */
	cert_days(facts->not_after, check->now, text);
	if (left < DAYS_WRONG * DAY) {
		say("WRONG", todo, "it expires soon: %s", text);
		check->wrong++;
	} else if (left < DAYS_NOTE * DAY) {
		say("note", todo, "it expires soon: %s", text);
	} else {
		printf("  ok     %s\n", text);
	}
}

static void
check_names(struct check *check, const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;

	if (facts->sans == 0) {
		say("WRONG", "Ask the authority for one with subjectAltNames.",
		    "it names no host (no subjectAltName): clients refuse it");
		check->wrong++;
	} else if ((facts->flags & CERT_FLAG_FOR_HOST) != 0) {
		printf("  ok     it is for %s\n", check->conf->hostname);
	} else {
		say("note", "Clients must use one of its own names: posternctl cert show NAME.",
		    "it is not for %s", check->conf->hostname);
	}
}

static void
check_item(struct check *check, const struct cert_item *item)
{
	const struct cc_facts *facts = &item->facts;
	char used[PRESENTERS_SIZE];

	cert_presenters(check->conf, check->items, item, used, sizeof(used));
	printf("%s%s%s%s\n", facts->name, used[0] != '\0' ? " (" : "", used,
	       used[0] != '\0' ? ")" : "");
	if (facts->state == CERT_REFUSED && strncmp(facts->why, WAITS, sizeof(WAITS) - 1) == 0) {
		say("note", "It is used when that is imported.", "%s", facts->why);
		return;
	}
	if (facts->state == CERT_REFUSED) {
		say("WRONG", "Put that right, then posternctl reload.", "it is not used: %s",
		    facts->why);
		check->wrong++;
		return;
	}
	if (facts->why[0] != '\0') {
		say("WRONG", "Put that right, then posternctl reload.",
		    "an earlier one is in use, its files are not: %s", facts->why);
		check->wrong++;
	} else {
		fine("its key and its certificate belong together");
	}
	check_trust(check, facts);
	check_dates(check, facts);
	check_names(check, item);
}

/* Can this listener show one for the hostname? */
static bool
speaks_for_host(const struct check *check, const struct conf_listener *listener)
{
	const struct cert_items *items = check->items;
	bool any = listener->sni == SNI_ANY || listener->sni == SNI_STRICT;

	for (size_t i = 0; i < items->candidate_count; i++) {
		const struct conf_candidate *candidate = &items->candidates[i];

		if ((candidate->exact || candidate->wildcard) &&
		    (any || conf_presents(check->conf, listener, items->candidates,
					  items->candidate_count, i)))
			return true;
	}
	return false;
}

static bool
presents_any(const struct check *check, const struct conf_listener *listener)
{
	for (size_t i = 0; i < check->items->candidate_count; i++) {
		if (conf_presents(check->conf, listener, check->items->candidates,
				  check->items->candidate_count, i))
			return true;
	}
	return false;
}

/* A name of its own, on purpose, is fine but where other servers come, which use the host's. */
static void
check_listener(struct check *check, const struct conf_listener *listener)
{
	const char *service = conf_services[listener->service];
	const char *host = check->conf->hostname;
	bool own = listener->certificates.count > 0;

	if (listener->tls == TLS_NONE || speaks_for_host(check, listener))
		return;
	printf("%s:%u\n", service, listener->port);
	if (!presents_any(check, listener)) {
		say("WRONG", "posternctl cert create NAME makes one.",
		    "it has no certificate: TLS fails there");
		check->wrong++;
	} else if (own && listener->service != SERVICE_SMTP) {
		say("note", "That is fine if clients use another name on purpose.",
		    "none of its certificates is for %s", host);
	} else {
		say("WRONG", "posternctl cert create NAME makes one.",
		    "none of its certificates is for %s: clients refuse it", host);
		check->wrong++;
	}
}

static int
check_all(struct check *check)
{
	for (size_t i = 0; i < check->items->count; i++) {
		const struct cert_item *item = &check->items->list[i];

		if (check->name == NULL || strcmp(check->name, item->facts.name) == 0)
			check_item(check, item);
	}
	for (size_t i = 0; check->name == NULL && i < check->conf->listener_count; i++)
		check_listener(check, &check->conf->listeners[i]);
	return check->wrong == 0 ? CTL_OK : CTL_FAILED;
}

/* Returns CTL_OK, or what to exit with. */
static int
parse(int argc, char **argv, struct cert_wanted *wanted, const char **name)
{
	static const struct option table[] = {{"authorities", required_argument, NULL, 'a'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	int option;

	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option != 'a')
			return CTL_USAGE;
		wanted->authorities = optarg;
	}
	if (argc - optind > 1)
		return CTL_USAGE;
	*name = argc - optind == 1 ? argv[optind] : NULL;
	return CTL_OK;
}

int
ctl_cert_check(int argc, char **argv)
{
	struct cert_wanted wanted = {.authorities = AUTHORITIES};
	struct check check = {.now = time(NULL)};
	struct configuration *conf;
	struct conf_users users;
	struct cert_items items;
	struct error err;
	int result = parse(argc, argv, &wanted, &check.name);

	if (result != CTL_OK)
		return result;
	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	if (cert_look(conf, &users, &wanted, &items, &err) == -1) {
		conf_free(conf);
		return ctl_error(&err);
	}
	check.conf = conf;
	check.items = &items;
	if (check.name != NULL && cert_item_find(&items, check.name, &err) == NULL)
		result = ctl_error(&err);
	else
		result = check_all(&check);
	cert_items_free(&items);
	conf_free(conf);
	return fflush(stdout) == EOF ? CTL_FAILED : result;
}
