/* SPDX-License-Identifier: ISC */
#include "worker/filter/act.h"

#include <stdio.h>

#include "common/log.h"
#include "common/networks.h"

static const struct {
	const char *key; /* of the configuration, in filter: what is to be done */
	unsigned code;
	const char *status; /* RFC 7372 */
	const char *text;
} replies[FILTER_EVENT_COUNT] = {
    [FILTER_ON_SPF_FAIL] = {"spf.fail", 550, "5.7.23", "SPF validation failed"},
    [FILTER_ON_SPF_SOFTFAIL] = {"spf.softfail", 550, "5.7.23", "SPF validation failed"},
    [FILTER_ON_SPF_PERMERROR] = {"spf.permerror", 550, "5.7.24", "SPF validation error"},
    [FILTER_ON_SPF_TEMPERROR] = {"spf.temperror", 451, "4.7.24",
				 "SPF validation error, try again later"},
    [FILTER_ON_DMARC_REJECT] = {"dmarc.reject", 550, "5.7.1",
				"Rejected as the author's domain asks (DMARC)"},
    [FILTER_ON_DMARC_QUARANTINE] = {"dmarc.quarantine", 550, "5.7.1",
				    "The author's domain has this in doubt (DMARC)"},
    [FILTER_ON_HELO] = {"helo", 550, "5.7.1", "What you call yourself is not your name"},
    [FILTER_ON_IPREV_FAIL] = {"iprev", 550, "5.7.25", "Your address has no name that has it"},
    [FILTER_ON_LISTED] = {"dnsbl", 550, "5.7.1", "Mail from your address is refused"},
    [FILTER_ON_DMARC_TEMPERROR] = {"dmarc.temperror", 451, "4.7.1",
				   "DMARC can't be evaluated, try again later"},
};

/* What the configuration says of that result, and of the client, whose address the gate knows. */
static enum filter_action
action_of(const struct check *check, enum filter_event event, const char *why)
{
	const struct mf_settings *settings = &check->filter->settings;
	enum filter_action action = (enum filter_action)settings->actions[event];

	if (action == FILTER_DO_NOTHING ||
	    !networks_contain(settings->exempt, settings->exempt_count, &check->mail.peer.address))
		return action;
	log_event(LOG_INFO, "filter.exempt", KV_CONN(check->mail.conn), KV_STR("why", why));
	return FILTER_DO_NOTHING;
}

static void
act(struct check *check, enum filter_action action, enum filter_event event, const char *why)
{
	char text[FILTER_TEXT_SIZE];

	switch (action) {
	case FILTER_DO_NOTHING:
	case FILTER_ACTION_COUNT:
		break;
	case FILTER_DO_JUNK:
		check_junk(check, why);
		break;
	case FILTER_DO_HOLD:
		snprintf(text, sizeof(text), "held by filter.%s: %.256s", replies[event].key, why);
		check_verdict(check, FILTER_HOLD, 0, NULL, why, text);
		break;
	case FILTER_DO_REJECT:
		snprintf(text, sizeof(text), "%s: %.256s", replies[event].text, why);
		check_verdict(check, replies[event].code < 500 ? FILTER_LATER : FILTER_REJECT,
			      replies[event].code, replies[event].status, why, text);
		break;
	}
}

void
check_act(struct check *check, enum filter_event event, const char *why)
{
	act(check, action_of(check, event, why), event, why);
}

void
check_act_later(struct check *check, enum filter_event event, const char *why)
{
	enum filter_action action = action_of(check, event, why);

	if (action == FILTER_DO_REJECT)
		check_verdict(check, FILTER_LATER, 451, "4.7.1", why,
			      "DNS does not tell now whether the author's domain stands behind "
			      "this, try again later");
	else
		act(check, action, event, why);
}

void
check_no_memory(struct check *check, const char *method)
{
	log_event(LOG_ERR, "filter.no_memory", KV_CONN(check->mail.conn), KV_STR("method", method));
	if (check->filter->settings.failure == FILTER_FAIL_LATER)
		check_verdict(check, FILTER_LATER, 451, "4.3.0", "no memory",
			      "The message can't be checked now, try again later");
}

void
check_no_evidence(struct check *check, const char *method)
{
	check->incomplete = true;
	check_no_memory(check, method);
}
