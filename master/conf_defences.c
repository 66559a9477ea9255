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
	struct conf_defences *defences = target;
	struct network network;
	const char *problem = network_parse(text, &network);

	if (problem != NULL)
		conf_bad(r, setting, "\"%.64s\": %s (192.0.2.0/24, 2001:db8::/32)", text, problem);
	else if (defences->exempt_count == GATE_EXEMPT_MAX)
		conf_bad(r, setting, "has more than %d networks", GATE_EXEMPT_MAX);
	else
		defences->exempt[defences->exempt_count++] = network;
}

/* An empty list: nobody is exempt, not even this host. */
static void
set_exempt(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct conf_defences *defences = &((struct configuration *)target)->defences;
	bool list = config_setting_is_list(setting) || config_setting_is_array(setting);

	defences->exempt_count = 0;
	if (!list || config_setting_length(setting) > 0)
		conf_strings(r, setting, "a network", add_exempt, defences);
}

#define OFFSET(member) offsetof(struct configuration, defences.member)
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
    {0},
};

static const struct conf_key defence_group = {
    .name = "defences", .kind = CONF_GROUP, .keys = defence_keys};

void
conf_set_defences(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_set(r, &defence_group, setting, target);
}

void
conf_defences_start(struct configuration *conf)
{
	static const char *const loopback[] = {"127.0.0.0/8", "::1"};

	conf_table_defaults(defence_keys, conf);
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
		(void)network_parse(loopback[i],
				    &conf->defences.exempt[conf->defences.exempt_count++]);
}
