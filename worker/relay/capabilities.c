/* SPDX-License-Identifier: ISC */
#include "worker/relay/capabilities.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "worker/relay/login.h"

static const struct {
	const char *keyword;
	enum capability can;
} keywords[] = {
    {"PIPELINING", CAN_PIPELINING},
    {"8BITMIME", CAN_8BITMIME},
    {"SIZE", CAN_SIZE},
    {"STARTTLS", CAN_STARTTLS},
    {"DSN", CAN_DSN},
    {"SMTPUTF8", CAN_SMTPUTF8},
    {"CHUNKING", CAN_CHUNKING},
    {"ENHANCEDSTATUSCODES", CAN_ENHANCED},
    {"BINARYMIME", CAN_BINARYMIME},
    {"REQUIRETLS", CAN_REQUIRETLS},
    {"LIMITS", CAN_LIMITS},
};

/* 20 digits at most (RFC 1870 3); what is no number says nothing. */
static uint64_t
parse_size(const char *text)
{
	uint64_t size = 0;

	for (; *text >= '0' && *text <= '9'; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (size > (UINT64_MAX - digit) / 10)
			return 0;
		size = size * 10 + digit;
	}
	return *text == '\0' || *text == ' ' ? size : 0;
}

static const struct {
	const char *name;
	enum login_mechanism mechanism;
} mechanisms[] = {
    {"SCRAM-SHA-256", LOGIN_SCRAM_SHA_256},
    {"PLAIN", LOGIN_PLAIN},
    {"LOGIN", LOGIN_LOGIN},
};

/* A list of SASL mechanisms; those that aren't ours don't count. */
static uint32_t
parse_auth(const char *text)
{
	uint32_t auth = 0;

	for (; *text != '\0'; text += strcspn(text, " ")) {
		text += strspn(text, " ");
		for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
			if (strcspn(text, " ") == strlen(mechanisms[i].name) &&
			    strncasecmp(text, mechanisms[i].name, strlen(mechanisms[i].name)) == 0)
				auth |= (uint32_t)mechanisms[i].mechanism;
		}
	}
	return auth;
}

/* RFC 9422 3: names and values; those that aren't known don't count. */
static void
parse_limits(struct capabilities *caps, const char *text)
{
	for (; *text != '\0'; text += strcspn(text, " ")) {
		text += strspn(text, " ");
		if (strncasecmp(text, "RCPTMAX=", 8) == 0)
			caps->rcpt_max = parse_size(text + 8);
		else if (strncasecmp(text, "MAILMAX=", 8) == 0)
			caps->mail_max = parse_size(text + 8);
	}
}

void
capabilities_line(struct capabilities *caps, const char *text)
{
	size_t length = strcspn(text, " ");

	/* "AUTH=LOGIN" is what servers said before there was an RFC, and some say it alone. */
	if (strncasecmp(text, "AUTH ", 5) == 0 || strncasecmp(text, "AUTH=", 5) == 0)
		caps->auth |= parse_auth(text + 5);

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strlen(keywords[i].keyword) != length ||
		    strncasecmp(keywords[i].keyword, text, length) != 0)
			continue;
		caps->can |= (uint32_t)keywords[i].can;
		if (keywords[i].can == CAN_LIMITS)
			parse_limits(caps, text + length);
		if (keywords[i].can == CAN_SIZE && text[length] == ' ')
			caps->size = parse_size(text + length + 1);
	}
}
