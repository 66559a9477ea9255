/* SPDX-License-Identifier: ISC */
/* posternctl dkim: the keys that sign mail, and the records to publish for them. */
#include "config.h"

#include "ctl/dkim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/address.h"
#include "common/duration.h"
#include "common/idn.h"
#include "ctl/options.h"

#define ALGORITHMS 2
#define DELAY (2 * 86400) /* seconds until a new selector signs: caches have forgotten by then */
#define DELAY_MAX (90 * 86400)

/* What a command line says. */
struct order {
	char domain[HOST_NAME_SIZE]; /* "": all of them */
	const char *selector;        /* NULL: by the date */
	bool algorithms[ALGORITHMS];
	int64_t delay; /* seconds */
	bool json, force;
};

static const struct {
	const char *name;
	const char *suffix; /* of selectors, where there are both */
	uint32_t kind;
} algorithms[ALGORITHMS] = {
    {"rsa", "-rsa", CERT_KEY_RSA_2048},
    {"ed25519", "-ed25519", CERT_KEY_ED25519},
};

/* -- The command line --------------------------------------------------------------------- */

static int
set_domain(struct order *order, const char *text, struct error *err)
{
	char ascii[HOST_NAME_SIZE];

	if (idn_to_ascii(text, ascii, err) == 0 &&
	    address_parse_domain(ascii, strlen(ascii), order->domain) == ADDRESS_OK)
		return 0;
	return error_set(err, "%s: is no domain", text);
}

static int
set_algorithm(struct order *order, const char *text, struct error *err)
{
	bool known = strcmp(text, "both") == 0;

	for (size_t i = 0; i < ALGORITHMS; i++) {
		order->algorithms[i] =
		    strcmp(text, "both") == 0 || strcmp(text, algorithms[i].name) == 0;
		known = known || order->algorithms[i];
	}
	return known ? 0 : error_set(err, "--algorithm %s: rsa, ed25519 or both", text);
}

/* "2d", "12h", "0". */
static int
set_delay(struct order *order, const char *text, struct error *err)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}, {"", 1}};
	char *end;
	long long number = strtoll(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end == text || strcmp(end, units[i].unit) != 0 || number < 0 ||
		    number > DELAY_MAX / units[i].seconds)
			continue;
		order->delay = number * units[i].seconds;
		return 0;
	}
	return error_set(err, "--after %s: a time such as 2d or 12h, 90d at most", text);
}

/* ALLOWED: the options that the command has. Returns CTL_OK, or what to exit with. DOMAIN may be
 * missing if that is OPTIONAL. */
static int
parse(int argc, char **argv, const char *allowed, bool optional, struct order *order)
{
	static const struct option table[] = {
	    {"selector", required_argument, NULL, 's'}, {"algorithm", required_argument, NULL, 'a'},
	    {"after", required_argument, NULL, 't'},    {"json", no_argument, NULL, 'j'},
	    {"force", no_argument, NULL, 'f'},          {NULL, 0, NULL, 0}};
	struct options options = {.table = table, .allowed = allowed};
	struct error err;
	int option, result = 0;

	while (result == 0 && (option = options_next(&options, argc, argv)) != -1) {
		if (option == 's')
			order->selector = optarg;
		else if (option == 'a')
			result = set_algorithm(order, optarg, &err);
		else if (option == 't')
			result = set_delay(order, optarg, &err);
		else if (option == 'j')
			order->json = true;
		else if (option == 'f')
			order->force = true;
		else
			return CTL_USAGE;
	}
	if (result == 0 && (argc - optind > 1 || (argc == optind && !optional)))
		return CTL_USAGE;
	if (result == 0 && argc > optind)
		result = set_domain(order, argv[optind], &err);
	return result == 0 ? CTL_OK : ctl_error(&err);
}

/* -- Asking ------------------------------------------------------------------------------- */

static int
ask(const struct cert_channel *channel, uint16_t type, const struct cc_dkim *body,
    struct error *err)
{
	const struct cert_request request = {
	    .type = type, .body = body, .size = sizeof(*body), .fd = -1};
	char text[CERT_TEXT_MAX + 1];

	return cert_ask(channel, &request, text, err);
}

/* What a command does with the channel to certd. */
typedef int action_fn(const struct cert_channel *, const struct order *, struct error *);

static int
run(const struct order *order, action_fn *action)
{
	struct cert_channel channel;
	struct conf_users users;
	struct configuration *conf = cert_configuration(&users);
	struct error err;
	int result;

	if (conf == NULL)
		return CTL_FAILED;
	result = cert_channel_open(conf, &users, &channel, &err);
	if (result == 0) {
		result = action(&channel, order, &err);
		cert_channel_close(&channel);
	}
	conf_free(conf);
	return result == 0 ? CTL_OK : ctl_error(&err);
}

/* -- create, rotate ----------------------------------------------------------------------- */

static int
selector_name(const struct order *order, size_t algorithm, char out[DKIM_SELECTOR_SIZE],
	      struct error *err)
{
	bool both = order->algorithms[0] && order->algorithms[1];
	const char *suffix = both || order->selector == NULL ? algorithms[algorithm].suffix : "";
	char date[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int length;

	if (order->selector == NULL && gmtime_r(&now, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y%m%d", &tm);
	length = snprintf(out, DKIM_SELECTOR_SIZE, "%s%s",
			  order->selector != NULL ? order->selector : date, suffix);
	if (length <= 0 || length >= DKIM_SELECTOR_SIZE)
		return error_set(err, "--selector: is longer than %d characters",
				 DKIM_SELECTOR_SIZE - 1);
	for (char *c = out; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return 0;
}

/* NULL if there is none. */
static const struct cc_dkim_key *
find_key(const struct dkim_found *found, const char *selector)
{
	for (size_t i = 0; i < found->count; i++) {
		if (strcmp(found->keys[i].selector, selector) == 0)
			return &found->keys[i];
	}
	return NULL;
}

/* The records of what was made. */
static int
print_made(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	char selector[DKIM_SELECTOR_SIZE];
	struct dkim_found found;

	if (dkim_list(channel, order->domain, &found, err) == -1)
		return -1;
	for (size_t i = 0; i < ALGORITHMS; i++) {
		const struct cc_dkim_key *key;

		if (!order->algorithms[i] || selector_name(order, i, selector, err) == -1)
			continue;
		key = find_key(&found, selector);
		if (key != NULL)
			dkim_print_record(key);
	}
	dkim_found_free(&found);
	return 0;
}

/* Are all the selectors free? Before the first key is made: one alone would sign, unpublished. */
static int
check_selectors(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	char selector[DKIM_SELECTOR_SIZE];
	struct dkim_found found;
	int result = dkim_list(channel, order->domain, &found, err);

	for (size_t i = 0; i < ALGORITHMS && result == 0; i++) {
		if (!order->algorithms[i])
			continue;
		result = selector_name(order, i, selector, err);
		if (result == 0 && find_key(&found, selector) != NULL)
			result = error_set(err, "%s has a selector %s already: choose another one",
					   order->domain, selector);
	}
	dkim_found_free(&found);
	return result;
}

/* Takes back the first COUNT of what make() made. What fails is there still: dkim list says so. */
static void
unmake(const struct cert_channel *channel, const struct order *order, size_t count)
{
	struct cc_dkim body = {.from = 0};
	struct error ignored;

	strlcpy(body.domain, order->domain, sizeof(body.domain));
	for (size_t i = 0; i < count; i++) {
		if (order->algorithms[i] && selector_name(order, i, body.selector, &ignored) == 0)
			(void)ask(channel, CC_DKIM_REMOVE, &body, &ignored);
	}
}

/* All of them, or none; but one that others have been retired for stays, and is printed. */
static int
make(const struct cert_channel *channel, const struct order *order, bool retire, struct error *err)
{
	struct cc_dkim body = {.from = (int64_t)time(NULL) + order->delay,
			       .retire = retire ? 1 : 0};
	struct error ignored;

	if (check_selectors(channel, order, err) == -1)
		return -1;
	strlcpy(body.domain, order->domain, sizeof(body.domain));
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (!order->algorithms[i])
			continue;
		body.key = algorithms[i].kind;
		if (selector_name(order, i, body.selector, err) == 0 &&
		    ask(channel, CC_DKIM_CREATE, &body, err) == 0)
			continue;
		if (!retire)
			unmake(channel, order, i);
		else if (i > 0)
			(void)print_made(channel, order, &ignored);
		return -1;
	}
	return 0;
}

static int
create(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	return make(channel, order, false, err) == -1 ? -1 : print_made(channel, order, err);
}

int
ctl_dkim_create(int argc, char **argv)
{
	struct order order = {.algorithms = {true, true}};
	int result = parse(argc, argv, "sat", false, &order);

	return result == CTL_OK ? run(&order, create) : result;
}

/* New ones of the algorithms that sign now. */
static int
rotate(const struct cert_channel *channel, const struct order *asked, struct error *err)
{
	struct order order = *asked;
	int64_t now = (int64_t)time(NULL);
	char delay[DURATION_SIZE];
	struct dkim_found found;

	if (dkim_list(channel, order.domain, &found, err) == -1)
		return -1;
	order.algorithms[0] = order.algorithms[1] = false;
	for (size_t k = 0; k < found.count; k++) {
		if (strcmp(dkim_state_of(&found.keys[k], now), "retired") != 0)
			order.algorithms[found.keys[k].bits == 0 ? 1 : 0] = true;
	}
	dkim_found_free(&found);
	if (!order.algorithms[0] && !order.algorithms[1])
		return error_set(err, "%s has no key: posternctl dkim create %s", order.domain,
				 order.domain);
	if (make(channel, &order, true, err) == -1 || print_made(channel, &order, err) == -1)
		return -1;
	if (order.delay > 0)
		fprintf(stderr, "Publish that now: it signs in %s, and the old ones until then.\n",
			duration_text(order.delay, delay));
	fprintf(stderr,
		"The old ones' records stay published until the last mail that they have "
		"signed has arrived: a week. Then remove them: posternctl dkim remove %s "
		"--selector SELECTOR\n",
		order.domain);
	return 0;
}

int
ctl_dkim_rotate(int argc, char **argv)
{
	struct order order = {.delay = DELAY};
	int result = parse(argc, argv, "st", false, &order);

	return result == CTL_OK ? run(&order, rotate) : result;
}

/* -- list, show --------------------------------------------------------------------------- */

static int
list(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	int64_t now = (int64_t)time(NULL);
	struct dkim_found found;

	if (dkim_list(channel, order->domain, &found, err) == -1)
		return -1;
	if (order->json)
		dkim_print_json(&found, now);
	for (size_t k = 0; k < found.count && !order->json; k++)
		dkim_print_key(&found.keys[k], now);
	dkim_found_free(&found);
	return 0;
}

int
ctl_dkim_list(int argc, char **argv)
{
	struct order order = {.delay = 0};
	int result = parse(argc, argv, "j", true, &order);

	return result == CTL_OK ? run(&order, list) : result;
}

static int
show(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	struct dkim_found found;
	size_t shown = 0;

	if (dkim_list(channel, order->domain, &found, err) == -1)
		return -1;
	for (size_t k = 0; k < found.count; k++) {
		if (order->selector != NULL && strcmp(order->selector, found.keys[k].selector) != 0)
			continue;
		dkim_print_record(&found.keys[k]);
		shown++;
	}
	dkim_found_free(&found);
	return shown > 0 ? 0 : error_set(err, "%s has no such key", order->domain);
}

int
ctl_dkim_show(int argc, char **argv)
{
	struct order order = {.delay = 0};
	int result = parse(argc, argv, "s", false, &order);

	return result == CTL_OK ? run(&order, show) : result;
}

/* -- activate, remove ----------------------------------------------------------------------- */

static int
one(const struct cert_channel *channel, const struct order *order, uint16_t type, struct error *err)
{
	struct cc_dkim body = {.from = 0};

	if (strlcpy(body.selector, order->selector, sizeof(body.selector)) >= sizeof(body.selector))
		return error_set(err, "--selector: is longer than any");
	strlcpy(body.domain, order->domain, sizeof(body.domain));
	return ask(channel, type, &body, err);
}

static int
activate(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	return one(channel, order, CC_DKIM_ACTIVATE, err);
}

/* Not by mistake the key that mail is signed with. */
static int
check_needed(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	struct dkim_found found;
	int result = dkim_list(channel, order->domain, &found, err);
	const struct cc_dkim_key *key = result == 0 ? find_key(&found, order->selector) : NULL;
	const char *only =
	    key == NULL ? NULL : dkim_only_of_its_kind(&found, key, (int64_t)time(NULL));

	if (only != NULL)
		result =
		    error_set(err,
			      "%s is the only %s that signs the mail of %s: make one that takes "
			      "its place, or remove it all the same with --force",
			      key->selector, only, key->domain);
	dkim_found_free(&found);
	return result;
}

static int
remove_key(const struct cert_channel *channel, const struct order *order, struct error *err)
{
	if (!order->force && check_needed(channel, order, err) == -1)
		return -1;
	return one(channel, order, CC_DKIM_REMOVE, err);
}

static int
with_selector(int argc, char **argv, const char *allowed, action_fn *action)
{
	struct order order = {.delay = 0};
	int result = parse(argc, argv, allowed, false, &order);

	if (result == CTL_OK && order.selector == NULL)
		result = CTL_USAGE;
	return result == CTL_OK ? run(&order, action) : result;
}

int
ctl_dkim_activate(int argc, char **argv)
{
	return with_selector(argc, argv, "s", activate);
}

int
ctl_dkim_remove(int argc, char **argv)
{
	return with_selector(argc, argv, "sf", remove_key);
}
