/* SPDX-License-Identifier: ISC */
#include "worker/relay/sts_policy.h"

#include <string.h>
#include <strings.h>

#include "common/ascii.h"

#define VERSION "STSv1"

/* Octets from TEXT on, not NUL-terminated. */
struct span {
	const char *text;
	size_t length;
};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static struct span
trimmed(struct span s)
{
	while (s.length > 0 && ascii_is_wsp(s.text[0])) {
		s.text++;
		s.length--;
	}
	while (s.length > 0 && ascii_is_wsp(s.text[s.length - 1]))
		s.length--;
	return s;
}

static bool
span_is(struct span s, const char *word)
{
	return s.length == strlen(word) && memcmp(s.text, word, s.length) == 0;
}

/* Cuts what is in front of the next MARK off REST; without one, all of it. */
static struct span
cut(struct span *rest, char mark)
{
	const char *end = memchr(rest->text, mark, rest->length);
	struct span first = {rest->text, rest->length};

	if (end == NULL) {
		rest->text += rest->length;
		rest->length = 0;
		return first;
	}
	first.length = (size_t)(end - rest->text);
	rest->text = end + 1;
	rest->length -= first.length + 1;
	return first;
}

/* -- The record ---------------------------------------------------------------------------------
 */

static bool
take_id(struct span value, char id[STS_ID_SIZE])
{
	if (value.length == 0 || value.length >= STS_ID_SIZE)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (!is_alnum(value.text[i]))
			return false;
	}
	memcpy(id, value.text, value.length);
	id[value.length] = '\0';
	return true;
}

bool
sts_record_parse(const char *text, char id[STS_ID_SIZE])
{
	struct span rest = {text, strlen(text)};

	id[0] = '\0';
	/* "v=STSv1", and a ";" behind it: the version comes first, exactly so. */
	if (memchr(text, ';', rest.length) == NULL ||
	    !span_is(trimmed(cut(&rest, ';')), "v=" VERSION) || ascii_is_wsp(text[0]))
		return false;
	while (rest.length > 0) {
		struct span value = trimmed(cut(&rest, ';'));
		struct span key;

		if (memchr(value.text, '=', value.length) == NULL) {
			if (value.length > 0)
				return false;
			continue;
		}
		key = cut(&value, '=');
		if (span_is(key, "id") && id[0] == '\0' && !take_id(value, id))
			return false;
	}
	return id[0] != '\0';
}

/* -- The policy ------------------------------------------------------------------------------- */

enum key { KEY_VERSION, KEY_MODE, KEY_MAX_AGE, KEY_MX, KEYS };

struct reading {
	struct sts_policy *policy;
	bool seen[KEYS];
};

static const char *
read_version(struct sts_policy *policy, struct span value)
{
	(void)policy;
	return span_is(value, VERSION) ? NULL : "its version is not STSv1";
}

static const char *
read_mode(struct sts_policy *policy, struct span value)
{
	static const char *const modes[STS_MODES] = {
	    [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

	for (int i = 0; i < STS_MODES; i++) {
		if (!span_is(value, modes[i]))
			continue;
		policy->mode = (enum sts_mode)i;
		return NULL;
	}
	return "its mode is none that there is";
}

/* One to ten digits; what is longer than a year is a year. */
static const char *
read_max_age(struct sts_policy *policy, struct span value)
{
	uint64_t seconds = 0;

	if (value.length == 0 || value.length > 10)
		return "its max_age is no number";
	for (size_t i = 0; i < value.length; i++) {
		if (value.text[i] < '0' || value.text[i] > '9')
			return "its max_age is no number";
		seconds = seconds * 10 + (uint64_t)(value.text[i] - '0');
	}
	policy->max_age = seconds > STS_AGE_MAX ? STS_AGE_MAX : (uint32_t)seconds;
	return NULL;
}

/* A domain, or "*." and one (4.1). */
static bool
is_pattern(struct span value)
{
	size_t label = 0;

	if (value.length > 2 && memcmp(value.text, "*.", 2) == 0) {
		value.text += 2;
		value.length -= 2;
	}
	if (value.length == 0 || value.length > 253)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		char c = value.text[i];

		if (c == '.' ? label == 0 : !(is_alnum(c) || c == '-' || c == '_'))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

static const char *
read_mx(struct sts_policy *policy, struct span value)
{
	if (!is_pattern(value))
		return "one of its mx is no name";
	if (policy->mx_length + value.length + 1 > sizeof(policy->mx))
		return "it has more mx than fit";
	memcpy(policy->mx + policy->mx_length, value.text, value.length);
	policy->mx_length += value.length;
	policy->mx[policy->mx_length++] = '\0';
	return NULL;
}

static const struct {
	const char *name;
	const char *(*read)(struct sts_policy *, struct span value);
	bool often; /* it may come more than once */
} keys[KEYS] = {
    [KEY_VERSION] = {"version", read_version, false},
    [KEY_MODE] = {"mode", read_mode, false},
    [KEY_MAX_AGE] = {"max_age", read_max_age, false},
    [KEY_MX] = {"mx", read_mx, true},
};

static const char *
read_line(struct reading *reading, struct span line)
{
	struct span value = line, name = cut(&value, ':');

	if (memchr(line.text, ':', line.length) == NULL)
		return "a line has no colon";
	for (size_t i = 0; i < KEYS; i++) {
		if (!span_is(name, keys[i].name))
			continue;
		if (reading->seen[i] && !keys[i].often)
			return NULL;
		reading->seen[i] = true;
		return keys[i].read(reading->policy, trimmed(value));
	}
	return NULL;
}

const char *
sts_policy_parse(const char *text, size_t length, struct sts_policy *policy)
{
	struct reading reading = {.policy = policy};
	struct span rest = {text, length};

	memset(policy, 0, sizeof(*policy));
	if (length > STS_POLICY_OCTETS_MAX)
		return "it is too long";
	while (rest.length > 0) {
		struct span line = cut(&rest, '\n');
		const char *problem;

		if (line.length > 0 && line.text[line.length - 1] == '\r')
			line.length--;
		line = trimmed(line);
		problem = line.length == 0 ? NULL : read_line(&reading, line);
		if (problem != NULL)
			return problem;
	}
	if (!reading.seen[KEY_VERSION] || !reading.seen[KEY_MODE] || !reading.seen[KEY_MAX_AGE])
		return "it lacks version, mode or max_age";
	if (policy->mode != STS_NONE && !reading.seen[KEY_MX])
		return "it lacks mx";
	return NULL;
}

bool
sts_policy_matches(const struct sts_policy *policy, const char *host)
{
	const char *above = strchr(host, '.');

	for (size_t at = 0; at < policy->mx_length; at += strlen(policy->mx + at) + 1) {
		const char *pattern = policy->mx + at;

		if (strncmp(pattern, "*.", 2) != 0) {
			if (strcasecmp(pattern, host) == 0)
				return true;
		} else if (above != NULL && above != host && strcasecmp(pattern + 1, above) == 0) {
			return true;
		}
	}
	return false;
}
