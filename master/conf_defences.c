/* SPDX-License-Identifier: ISC */
/* defences = { greeting_pause = 1; early_talkers = "refuse"; tarpit = 20; exempt = "192.0.2.0/24";
 * } */
#include <string.h>

#include "master/conf_keys.h"
#include "master/network.h"

static const char *const early_words[] = {
    [EARLY_REFUSE] = "refuse", [EARLY_LOG] = "log", [EARLY_LOG + 1] = NULL};

static void
add_exempt(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_exempt *exempt = target;
	struct network network;
	const char *problem = network_parse(text, &network);

	if (problem != NULL)
		conf_bad(r, setting, "\"%.64s\": %s (192.0.2.0/24, 2001:db8::/32)", text, problem);
	else if (exempt->count == GATE_EXEMPT_MAX)
		conf_bad(r, setting, "has more than %d networks", GATE_EXEMPT_MAX);
	else
		exempt->networks[exempt->count++] = network;
}

/* An empty list: nobody is exempt, not even this host. */
void
conf_set_exempt(struct conf_reader *r, const config_setting_t *setting, struct conf_exempt *exempt)
{
	bool list = config_setting_is_list(setting) || config_setting_is_array(setting);

	exempt->count = 0;
	if (!list || config_setting_length(setting) > 0)
		conf_strings(r, setting, "a network", add_exempt, exempt);
}

static void
set_exempt(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_exempt(r, setting,
			&((struct configuration *)target)->defences.exempt[EXEMPT_DEFENCES]);
}

static void
set_greylist_exempt(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set_exempt(r, setting,
			&((struct configuration *)target)->defences.exempt[EXEMPT_GREYLIST]);
}

static void
set_greylist_enabled(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct greylist_rules *rules = &((struct configuration *)target)->defences.greylist;
	bool enabled = rules->enabled != 0;

	conf_set_bool(r, setting, &enabled);
	rules->enabled = enabled ? 1 : 0;
}

#define OFFSET(member) offsetof(struct configuration, defences.member)
#define GREYLIST(key, member, low, high, default_value, unit_text)                            \
	{                                                                                     \
		.name = (key), .kind = CONF_NUMBER, .offset = OFFSET(greylist.member),        \
		.min = (low), .max = (high), .fallback = (default_value), .unit = (unit_text) \
	}
#define DAY 86400

static const struct conf_key greylist_keys[] = {
    {.name = "enabled", .kind = CONF_OTHER, .set = set_greylist_enabled},
    GREYLIST("delay", delay, 1, DAY, 300, "seconds"),
    GREYLIST("retry_window", retry_window, 2, 30 * DAY, 2 * DAY, "seconds"),
    GREYLIST("passes", passes, 0, 1000, 5, "passes"),
    GREYLIST("remember", remember, 2, 366 * DAY, 35 * DAY, "seconds"),
    GREYLIST("ipv4_prefix", ipv4_prefix, 8, 32, 24, "bits"),
    GREYLIST("ipv6_prefix", ipv6_prefix, 16, 128, 64, "bits"),
    GREYLIST("entries", entries, 100, 10000000, 100000, "entries"),
    {.name = "exempt", .kind = CONF_OTHER, .set = set_greylist_exempt},
    {0},
};

static const struct conf_key defence_keys[] = {
    {.name = "greeting_pause",
     .kind = CONF_NUMBER,
     .offset = OFFSET(greeting_pause),
     .max = 30,
     .fallback = 1,
     .unit = "seconds"},
    {.name = "early_talkers",
     .kind = CONF_CHOICE,
     .offset = OFFSET(early_talkers),
     .choices = early_words,
     .fallback = EARLY_REFUSE},
    {.name = "tarpit",
     .kind = CONF_NUMBER,
     .offset = OFFSET(tarpit),
     .max = 32,
     .fallback = 16,
     .unit = "seconds"},
    {.name = "exempt", .kind = CONF_OTHER, .set = set_exempt},
    {.name = "greylisting", .kind = CONF_GROUP, .keys = greylist_keys},
    {0},
};

static const struct conf_key defence_group = {
    .name = "defences", .kind = CONF_GROUP, .keys = defence_keys};

void
conf_set_defences(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	const struct greylist_rules *greylist =
	    &((struct configuration *)target)->defences.greylist;
	const config_setting_t *group;

	conf_set(r, &defence_group, setting, target);
	if (greylist->retry_window > greylist->delay)
		return;
	/* Nobody could ever come in. */
	group = config_setting_get_member(setting, "greylisting");
	conf_bad(r, group, "must have a retry_window that is longer than its delay");
}

void
conf_defences_start(struct configuration *conf)
{
	static const char *const loopback[] = {"127.0.0.0/8", "::1"};
	struct conf_exempt *exempt = &conf->defences.exempt[EXEMPT_DEFENCES];

	conf_table_defaults(defence_keys, conf);
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		(void)network_parse(loopback[i], &exempt->networks[exempt->count++]);
}
