/* SPDX-License-Identifier: ISC */
/* milters = ( { address = "127.0.0.1:11332"; timeout = 30; failure = "accept"; services = "smtp"; }
 * ) */
#include <stdlib.h>
#include <string.h>

#include "common/proto/queue_filter.h"
#include "master/conf_keys.h"
#include "master/network.h"

#define ADDRESS_TEXT_SIZE 64

/* By enum filter_failure. */
static const char *const failure_words[] = {"temp-fail", "accept", NULL};
static const char *const junk_words[] = {"off", "on", NULL};
/* By enum filter_envelope. */
static const char *const envelope_words[] = {"off", "here", "anywhere", NULL};

/* As the table has it; the struct that processes are told has no room for its numbers. */
struct entry {
	struct mf_milter milter;
	uint32_t failure;
	uint32_t junk;
	uint32_t envelope;
	uint32_t timeout;
	char path[CONF_SOCKET_SIZE];
};

/* "192.0.2.1:8891", "[2001:db8::1]:8891". */
static bool
parse(const char *text, struct mf_milter *milter)
{
	const char *colon = strrchr(text, ':'), *error = "no port";
	char address[ADDRESS_TEXT_SIZE];
	size_t length = colon == NULL ? 0 : (size_t)(colon - text);
	struct endpoint endpoint;

	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	milter->port = (uint16_t)strtonum(colon + 1, 1, UINT16_MAX, &error);
	if (error != NULL || !endpoint_parse(address, milter->port, &endpoint))
		return false;
	if (endpoint.address.any.sa_family == AF_INET6) {
		milter->address = endpoint.address.v6.sin6_addr;
		return true;
	}
	memset(&milter->address, 0, sizeof(milter->address));
	milter->address.s6_addr[10] = milter->address.s6_addr[11] = 0xff;
	memcpy(&milter->address.s6_addr[12], &endpoint.address.v4.sin_addr, 4);
	return true;
}

static void
set_address(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct entry *entry = target;
	const char *text = config_setting_get_string(setting);

	if (text != NULL && strncmp(text, "unix:/", 6) == 0 &&
	    strlcpy(entry->path, text + 5, sizeof(entry->path)) < sizeof(entry->path)) {
		entry->milter.local = 1;
		return;
	}
	if (text == NULL || !parse(text, &entry->milter))
		conf_bad(
		    r, setting,
		    "must be an address with a port, \"127.0.0.1:11332\" or \"[::1]:11332\", or "
		    "\"unix:/PATH\"");
}

static void
add_service(struct conf_reader *r, const config_setting_t *setting, const char *text, void *target)
{
	struct entry *entry = target;

	if (strcmp(text, "smtp") == 0)
		entry->milter.kinds |= FILTER_STRANGER;
	else if (strcmp(text, "submission") == 0)
		entry->milter.kinds |= FILTER_SUBMITTER;
	else
		conf_bad(r, setting, "must be \"smtp\" or \"submission\", not \"%.64s\"", text);
}

static void
set_services(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	conf_strings(r, setting, "a service", add_service, target);
}

#define OFFSET(member) offsetof(struct entry, member)
static const struct conf_key milter_keys[] = {
    {.name = "address", .kind = CONF_OTHER, .set = set_address},
    {.name = "timeout",
     .kind = CONF_NUMBER,
     .offset = OFFSET(timeout),
     .min = 1,
     .max = 50, /* less than a mail has for all of its checks */
     .fallback = 30,
     .unit = "seconds"},
    {.name = "failure",
     .kind = CONF_CHOICE,
     .offset = OFFSET(failure),
     .choices = failure_words,
     .fallback = FILTER_FAIL_LATER},
    {.name = "junk",
     .kind = CONF_CHOICE,
     .offset = OFFSET(junk),
     .choices = junk_words,
     .fallback = 1},
    {.name = "envelope",
     .kind = CONF_CHOICE,
     .offset = OFFSET(envelope),
     .choices = envelope_words,
     .fallback = FILTER_ENVELOPE_OFF},
    {.name = "services", .kind = CONF_OTHER, .set = set_services},
    {0},
};

static void
add_milter(struct conf_reader *r, const config_setting_t *setting, struct conf_filter *filter)
{
	struct entry entry = {.failure = FILTER_FAIL_LATER};

	if (filter->milter_count == FILTER_MILTERS_MAX) {
		conf_bad(r, setting, "is one more than the %d milters there can be",
			 FILTER_MILTERS_MAX);
		return;
	}
	conf_table_defaults(milter_keys, &entry);
	conf_table_read(r, setting, milter_keys, &entry);
	if (config_setting_get_member(setting, "address") == NULL)
		conf_bad(r, setting, "has no address");
	if (entry.milter.kinds == 0)
		entry.milter.kinds = FILTER_STRANGER | FILTER_SUBMITTER;
	entry.milter.failure = (uint8_t)entry.failure;
	entry.milter.junk = (uint8_t)entry.junk;
	entry.milter.envelope = (uint16_t)entry.envelope;
	entry.milter.timeout = entry.timeout;
	strlcpy(filter->milter_paths[filter->milter_count], entry.path, CONF_SOCKET_SIZE);
	filter->milters[filter->milter_count++] = entry.milter;
}

void
conf_set_milters(struct conf_reader *r, const config_setting_t *setting, void *target)
{
	struct configuration *conf = target;
	int count = config_setting_is_list(setting) ? config_setting_length(setting) : -1;

	if (count == -1)
		conf_bad(r, setting, "must be a list of groups: ( { address = \"...\"; }, ... )");
	for (int i = 0; i < count; i++) {
		const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);

		if (config_setting_is_group(element))
			add_milter(r, element, &conf->filter);
		else
			conf_bad(r, element, "must be a group: { address = \"...\"; }");
	}
}
