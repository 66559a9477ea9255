/* SPDX-License-Identifier: ISC */
/* filter = { check = "strangers"; failure = "temp-fail"; }; */
#include "common/proto/master_filter.h"
#include "master/conf_check.h"
#include "master/conf_keys.h"

/* By enum filter_check. */
static const char *const check_words[] = {"none", "strangers", "all", NULL};
/* By enum filter_failure. */
static const char *const failure_words[] = {"temp-fail", "accept", NULL};

#define OFFSET(member) offsetof(struct configuration, filter.member)
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
    {0},
};

bool
conf_filters(const struct configuration *conf)
{
	return conf->filter.check != FILTER_CHECK_NONE;
}
