/* SPDX-License-Identifier: ISC */
/* filter = { check = "strangers"; failure = "temp-fail"; }; */
#include <string.h>

#include "common/address.h"
#include "common/idn.h"
#include "common/proto/master_filter.h"
#include "master/conf_check.h"
#include "master/conf_keys.h"

/* By enum filter_check. */
static const char *const check_words[] = {"none", "strangers", "all", NULL};
/* By enum filter_failure. */
static const char *const failure_words[] = {"temp-fail", "accept", NULL};

static const char *const sign_words[] = {"off", "on", NULL};

/* By enum filter_action. */
static const char *const action_words[] = {"nothing", "junk", "hold", "reject", NULL};

#define ACTION(word, event, otherwise)                                                   \
	{                                                                                \
		.name = (word), .kind = CONF_CHOICE, .offset = OFFSET(actions[(event)]), \
		.choices = action_words, .fallback = (otherwise),                        \
	}
#define OFFSET(member) offsetof(struct configuration, filter.member)
static const struct conf_key spf_keys[] = {
    ACTION("fail", FILTER_ON_SPF_FAIL, FILTER_DO_NOTHING),
    ACTION("softfail", FILTER_ON_SPF_SOFTFAIL, FILTER_DO_NOTHING),
    ACTION("permerror", FILTER_ON_SPF_PERMERROR, FILTER_DO_NOTHING),
    ACTION("temperror", FILTER_ON_SPF_TEMPERROR, FILTER_DO_NOTHING),
    {0},
};

static const struct conf_key dmarc_keys[] = {
    ACTION("reject", FILTER_ON_DMARC_REJECT, FILTER_DO_REJECT),
    ACTION("quarantine", FILTER_ON_DMARC_QUARANTINE, FILTER_DO_JUNK),
    ACTION("temperror", FILTER_ON_DMARC_TEMPERROR, FILTER_DO_NOTHING),
    {0},
};

static void
add_trusted(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct conf_filter *filter = &((struct configuration *)target)->filter;
	char ascii[HOST_NAME_SIZE], domain[HOST_NAME_SIZE];
	struct error err;

	if (idn_to_ascii(text, ascii, &err) == -1 ||
	    address_parse_domain(ascii, strlen(ascii), domain) != ADDRESS_OK)
		conf_bad(r, setting, "has \"%s\", which is no domain", text);
	else if (filter->arc_trusted_count == FILTER_TRUSTED_MAX)
		conf_bad(r, setting, "has more than %d domains", FILTER_TRUSTED_MAX);
	else
		strlcpy(filter->arc_trusted[filter->arc_trusted_count++], domain, HOST_NAME_SIZE);
}

static void
set_trusted(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "a domain", add_trusted, target);
}

const struct conf_key conf_filter_keys[] = {
    {.name = "check",
     .kind = CONF_CHOICE,
     .offset = OFFSET(check),
     .choices = check_words,
     .fallback = FILTER_CHECK_STRANGERS},
    {.name = "failure",
     .kind = CONF_CHOICE,
     .offset = OFFSET(failure),
     .choices = failure_words,
     .fallback = FILTER_FAIL_LATER},
    {.name = "sign",
     .kind = CONF_CHOICE,
     .offset = OFFSET(sign),
     .choices = sign_words,
     .fallback = 1},
    {.name = "spf", .kind = CONF_GROUP, .keys = spf_keys},
    {.name = "dmarc", .kind = CONF_GROUP, .keys = dmarc_keys},
    {.name = "arc_trusted", .kind = CONF_OTHER, .set = set_trusted},
    {.name = "milters", .kind = CONF_OTHER, .set = conf_set_milters},
    {0},
};

bool
conf_filters(const struct configuration *conf)
{
	return conf->filter.check != FILTER_CHECK_NONE || conf->filter.sign == 1 ||
	       conf->filter.milter_count > 0;
}
