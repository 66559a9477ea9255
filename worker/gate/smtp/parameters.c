/* SPDX-License-Identifier: ISC */
/* The parameters of MAIL and RCPT: esmtp-keyword ["=" esmtp-value] (RFC 5321 4.1.2). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "common/xtext.h"
#include "worker/gate/smtp/path.h"

struct parameter {
	const char *name;
	size_t name_length;
	const char *value; /* NULL: no "=" */
	size_t value_length;
};

bool
smtp_is_ascii(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if ((unsigned char)text[i] > 127)
			return false;
	return true;
}

static bool
is_word(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

static bool
value_is(const struct parameter *parameter, const char *word)
{
	return is_word(parameter->value, parameter->value_length, word);
}

/*
 * -- Of MAIL --------------------------------------------------------------------------
 */

/* RFC 1870 4: 1*20DIGIT. A number too big for 64 bits is as good as the biggest. */
static int
parameter_size(const struct parameter *parameter, struct smtp_command *command)
{
	uint64_t value = 0;
	size_t i;

	if (parameter->value_length < 1 || parameter->value_length > 20)
		return -1;
	for (i = 0; i < parameter->value_length; i++) {
		char c = parameter->value[i];

		if (!ascii_is_digit(c))
			return -1;
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			value = UINT64_MAX;
	}
	command->size = value;
	return 0;
}

/* RFC 6152 2, RFC 3030 3 */
static int
parameter_body(const struct parameter *parameter, struct smtp_command *command)
{
	static const char *const names[BODY_TYPES] = {
	    [BODY_7BIT] = "7BIT", [BODY_8BITMIME] = "8BITMIME", [BODY_BINARYMIME] = "BINARYMIME"};

	for (uint32_t i = 0; i < BODY_TYPES; i++) {
		if (!value_is(parameter, names[i]))
			continue;
		command->parameters.body = i;
		return 0;
	}
	return -1;
}

/*
 * RFC 4954 5: xtext (RFC 3461 4) or <>. Nobody is trusted to say who wrote a mail: whatever can
 * stand in a command is taken, also what is no xtext, and forgotten.
 */
static int
parameter_auth(const struct parameter *parameter, struct smtp_command *command)
{
	size_t i;

	(void)command;
	if (parameter->value_length == 0)
		return -1;
	for (i = 0; i < parameter->value_length; i++)
		if (parameter->value[i] < 33 || parameter->value[i] > 126)
			return -1;
	return 0;
}

/* RFC 6531 3.4 */
static int
parameter_smtputf8(const struct parameter *parameter, struct smtp_command *command)
{
	command->parameters.flags |= MAIL_SMTPUTF8;
	return parameter->value == NULL ? 0 : -1;
}

/* RFC 8689 2 */
static int
parameter_requiretls(const struct parameter *parameter, struct smtp_command *command)
{
	command->parameters.flags |= MAIL_REQUIRETLS;
	return parameter->value == NULL ? 0 : -1;
}

/* RFC 3461 4.3 */
static int
parameter_ret(const struct parameter *parameter, struct smtp_command *command)
{
	if (value_is(parameter, "FULL"))
		command->parameters.ret = DSN_RETURN_FULL;
	else if (value_is(parameter, "HDRS"))
		command->parameters.ret = DSN_RETURN_HDRS;
	else
		return -1;
	return 0;
}

/* RFC 3461 4.4 */
static int
parameter_envid(const struct parameter *parameter, struct smtp_command *command)
{
	int length = xtext_decode(parameter->value, parameter->value_length,
				  command->parameters.envid, sizeof(command->parameters.envid));

	return length > 0 ? 0 : -1;
}

/*
 * -- Of RCPT --------------------------------------------------------------------------
 */

static uint32_t
notify_bit(const char *word, size_t length)
{
	static const struct {
		const char *word;
		uint32_t bit;
	} words[] = {{"NEVER", DSN_NOTIFY_NEVER},
		     {"SUCCESS", DSN_NOTIFY_SUCCESS},
		     {"FAILURE", DSN_NOTIFY_FAILURE},
		     {"DELAY", DSN_NOTIFY_DELAY}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_word(word, length, words[i].word))
			return words[i].bit;
	}
	return 0;
}

/* RFC 3461 4.1: NEVER, or a list of the others, each once. */
static int
parameter_notify(const struct parameter *parameter, struct smtp_command *command)
{
	const char *p = parameter->value;
	size_t rest = parameter->value_length;

	for (;;) {
		const char *comma = memchr(p, ',', rest);
		size_t length = comma != NULL ? (size_t)(comma - p) : rest;
		uint32_t bit = notify_bit(p, length);

		if (bit == 0 || (command->notify & bit) != 0)
			return -1;
		command->notify |= bit;
		if (comma == NULL)
			return notify_is_sound(command->notify) ? 0 : -1;
		p = comma + 1;
		rest -= length + 1;
	}
}

/* RFC 3461 4.2: addr-type ";" xtext; RFC 6533 3: "utf-8;" and its own encoding. */
static int
parameter_orcpt(const struct parameter *parameter, struct smtp_command *command)
{
	const char *value = parameter->value;
	const char *semicolon = memchr(value, ';', parameter->value_length);
	size_t type = semicolon != NULL ? (size_t)(semicolon - value) : 0;
	size_t rest = parameter->value_length - type - (semicolon != NULL ? 1 : 0);
	char *out = command->orcpt;
	int length;

	if (semicolon == NULL || type >= ORCPT_SIZE - 1)
		return -1;
	for (size_t i = 0; i < type; i++)
		out[i] = ascii_lower(value[i]);
	out[type] = ';';
	if (is_word(value, type, "utf-8"))
		length = unitext_decode(semicolon + 1, rest, true, out + type + 1,
					ORCPT_SIZE - type - 1);
	else
		length = xtext_decode(semicolon + 1, rest, out + type + 1, ORCPT_SIZE - type - 1);
	if (length < 1 || !orcpt_is_sound(out, type + 1 + (size_t)length))
		return -1;
	command->utf8 = command->utf8 || !smtp_is_ascii(value, parameter->value_length);
	return 0;
}

/*
 * -- Tables ---------------------------------------------------------------------------
 */

static const struct known_parameter {
	const char *name;
	int (*parse)(const struct parameter *, struct smtp_command *);
	bool bare;            /* without a value */
	const char *expected; /* behind "=" */
} mail_parameters[] = {
    {"SIZE", parameter_size, false, "a number of 1 to 20 digits"},
    {"BODY", parameter_body, false, "7BIT, 8BITMIME or BINARYMIME"},
    {"AUTH", parameter_auth, false, "xtext or <>"},
    {"SMTPUTF8", parameter_smtputf8, true, NULL},
    {"REQUIRETLS", parameter_requiretls, true, NULL},
    {"RET", parameter_ret, false, "FULL or HDRS"},
    {"ENVID", parameter_envid, false, "xtext of 1 to 100 printable characters"},
    {NULL, NULL, false, NULL},
};

static const struct known_parameter rcpt_parameters[] = {
    {"NOTIFY", parameter_notify, false, "NEVER, or some of SUCCESS,FAILURE,DELAY"},
    {"ORCPT", parameter_orcpt, false, "an address type, \";\" and an address in xtext"},
    {NULL, NULL, false, NULL},
};

/* 1: there is one; 0: no more. */
static int
next_parameter(const char **at, const char *end, struct parameter *parameter)
{
	const char *word, *equals;
	size_t length;

	while (*at < end && **at == ' ')
		(*at)++;
	word = *at;
	while (*at < end && **at != ' ')
		(*at)++;
	length = (size_t)(*at - word);
	if (length == 0)
		return 0;
	equals = memchr(word, '=', length);
	*parameter = (struct parameter){.name = word, .name_length = length};
	if (equals != NULL) {
		parameter->name_length = (size_t)(equals - word);
		parameter->value = equals + 1;
		parameter->value_length = length - parameter->name_length - 1;
	}
	return 1;
}

static int
parse_known(const struct parameter *parameter, const struct known_parameter *known,
	    struct smtp_command *command, struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];

	if (known->bare)
		return known->parse(parameter, command) == 0
			   ? 0
			   : smtp_reply_set(reply, "501 5.5.4 Parameter %s has no value",
					    known->name);
	if (parameter->value != NULL && known->parse(parameter, command) == 0)
		return 0;
	return smtp_reply_set(reply, "501 5.5.4 Expected %s after %s=, found \"%s\"",
			      known->expected, known->name,
			      smtp_quote(parameter->value, parameter->value_length, quoted));
}

static int
parse_parameter(const struct parameter *parameter, const struct known_parameter *known,
		unsigned *seen, struct smtp_command *command, struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];
	unsigned bit = 1;

	for (; known->name != NULL; known++, bit <<= 1) {
		if (!is_word(parameter->name, parameter->name_length, known->name))
			continue;
		if ((*seen & bit) != 0)
			return smtp_reply_set(reply, "501 5.5.4 Parameter %s is there twice",
					      known->name);
		*seen |= bit;
		return parse_known(parameter, known, command, reply);
	}
	/* RFC 5321 4.1.1.11 */
	return smtp_reply_set(reply, "555 5.5.4 Parameter \"%s\" is not known to %s here",
			      smtp_quote(parameter->name, parameter->name_length, quoted),
			      smtp_verb_name(command->verb));
}

int
smtp_parse_parameters(const char *text, size_t length, struct smtp_command *command,
		      struct smtp_reply *reply)
{
	const struct known_parameter *known =
	    command->verb == SMTP_MAIL ? mail_parameters : rcpt_parameters;
	const char *end = text + length;
	struct parameter parameter;
	unsigned seen = 0;

	while (next_parameter(&text, end, &parameter) == 1)
		if (parse_parameter(&parameter, known, &seen, command, reply) == -1)
			return -1;
	return 0;
}
