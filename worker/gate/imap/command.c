/* SPDX-License-Identifier: ISC */
#include "worker/gate/imap/command.h"

#include <string.h>
#include <strings.h>

#include "common/ascii.h"

/* -- Lines and literals ------------------------------------------------------------------- */

struct announced {
	size_t octets; /* IMAP_LOGIN_MAX: that or more */
	bool sync;
};

/* "{" number ["+"] "}" at the end of a line (RFC 9051 4.3, RFC 7888). */
static bool
find_announced(const char *line, size_t text, struct announced *out)
{
	size_t at = text, scale = 1;

	if (at < 3 || line[--at] != '}')
		return false;
	out->sync = line[at - 1] != '+';
	if (!out->sync)
		at--;
	out->octets = 0;
	if (at == 0 || !ascii_is_digit(line[at - 1]))
		return false;
	for (; at > 0 && ascii_is_digit(line[at - 1]); at--) {
		size_t digit = (size_t)(line[at - 1] - '0');

		if (digit != 0 && scale >= IMAP_LOGIN_MAX)
			out->octets = IMAP_LOGIN_MAX;
		else
			out->octets += digit * scale;
		if (scale < IMAP_LOGIN_MAX)
			scale *= 10;
	}
	if (out->octets > IMAP_LOGIN_MAX)
		out->octets = IMAP_LOGIN_MAX;
	return at > 0 && line[at - 1] == '{';
}

size_t
imap_login_line(const char *bytes, size_t length, size_t *text)
{
	const char *end = memchr(bytes, '\n', length);

	if (end == NULL)
		return 0;
	*text = (size_t)(end - bytes);
	if (*text > 0 && bytes[*text - 1] == '\r')
		--*text;
	return (size_t)(end - bytes) + 1;
}

enum imap_login_step
imap_login_read(const char *bytes, size_t length, size_t *used, unsigned *literals)
{
	struct announced announced;
	size_t at = 0, text, line;

	*literals = 0;
	for (;;) {
		line = imap_login_line(bytes + at, length - at, &text);
		if (line == 0)
			return length < IMAP_LOGIN_MAX ? IMAP_LOGIN_MORE : IMAP_LOGIN_LOST;
		*used = at + line;
		if (!find_announced(bytes + at, text, &announced))
			return IMAP_LOGIN_WHOLE;
		++*literals;
		at += line;
		/* One more octet at least must find room: the line's end. */
		if (announced.octets >= IMAP_LOGIN_MAX - at)
			return announced.sync ? IMAP_LOGIN_REFUSED : IMAP_LOGIN_LOST;
		if (announced.octets > length - at || length == at)
			return announced.sync && length == at ? IMAP_LOGIN_CONTINUE
							      : IMAP_LOGIN_MORE;
		at += announced.octets;
	}
}

/* -- The grammar ---------------------------------------------------------------------------- */

struct input {
	const char *at, *end; /* without the last line's end */
};

static bool
is_astring_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\", c) == NULL;
}

static size_t
word(struct input *in, const char **begin)
{
	*begin = in->at;
	while (in->at < in->end && is_astring_char(*in->at))
		in->at++;
	return (size_t)(in->at - *begin);
}

static bool
space(struct input *in)
{
	if (in->at == in->end || *in->at != ' ')
		return false;
	in->at++;
	return true;
}

static bool
at_end(struct input *in)
{
	while (space(in)) /* forgiven */
		;
	return in->at == in->end;
}

static bool
quoted(struct input *in, char *out, size_t size, size_t *length)
{
	size_t n = 0;

	for (in->at++; in->at < in->end && *in->at != '"'; in->at++) {
		if (*in->at == '\\' && in->at + 1 < in->end)
			in->at++;
		if (n + 1 >= size || *in->at == '\0')
			return false;
		out[n++] = *in->at;
	}
	*length = n;
	return in->at < in->end && *in->at++ == '"';
}

static bool
literal(struct input *in, char *out, size_t size, size_t *length)
{
	struct announced announced;
	size_t text, line = imap_login_line(in->at, (size_t)(in->end - in->at), &text);

	if (line == 0 || !find_announced(in->at, text, &announced) || in->at[0] != '{' ||
	    memchr(in->at + 1, '{', text - 1) != NULL)
		return false;
	in->at += line;
	if (announced.octets > (size_t)(in->end - in->at) || announced.octets >= size ||
	    memchr(in->at, '\0', announced.octets) != NULL)
		return false;
	memcpy(out, in->at, announced.octets);
	*length = announced.octets;
	in->at += announced.octets;
	return true;
}

/* An astring of fewer than SIZE octets; a client's NUL is never in it. */
static bool
astring(struct input *in, char *out, size_t size, size_t *length)
{
	const char *begin;

	if (in->at == in->end)
		return false;
	if (*in->at == '"')
		return quoted(in, out, size, length);
	if (*in->at == '{')
		return literal(in, out, size, length);
	*length = word(in, &begin);
	if (*length == 0 || *length >= size)
		return false;
	memcpy(out, begin, *length);
	return true;
}

static const char *
parse_login(struct input *in, struct imap_login_command *command)
{
	if (!space(in) || !astring(in, command->user, sizeof(command->user), &command->user_length))
		return "Expected a user name after LOGIN";
	if (!space(in) ||
	    !astring(in, command->password, sizeof(command->password), &command->password_length))
		return "Expected a password after the user name";
	return at_end(in) ? NULL : "Expected the end of the command after the password";
}

static const char *
parse_authenticate(struct input *in, struct imap_login_command *command)
{
	if (!space(in) || (command->mechanism_length = word(in, &command->mechanism)) == 0)
		return "Expected a mechanism after AUTHENTICATE";
	if (in->at < in->end && *in->at == ' ' && in->at + 1 < in->end && in->at[1] != ' ') {
		in->at++;
		command->response = in->at;
		while (in->at < in->end && (ascii_is_alnum(*in->at) || *in->at == '+' ||
					    *in->at == '/' || *in->at == '='))
			in->at++;
		command->response_length = (size_t)(in->at - command->response);
	}
	return at_end(in) ? NULL : "Expected an initial response in base64, or \"=\"";
}

static const char *
parse_nothing(struct input *in, struct imap_login_command *command)
{
	(void)command;
	return at_end(in) ? NULL : "Expected the end of the command, it takes no arguments";
}

/* What a client says of itself is of no use here: nobody knows yet who it is. */
static const char *
parse_id(struct input *in, struct imap_login_command *command)
{
	(void)command;
	if (!space(in) || in->at == in->end ||
	    (*in->at != '(' && strncasecmp(in->at, "NIL", 3) != 0))
		return "Expected NIL or a list after ID";
	return NULL;
}

static const struct {
	const char *name;
	enum imap_login_verb verb;
	const char *(*arguments)(struct input *, struct imap_login_command *);
} verbs[] = {
    {"CAPABILITY", IMAP_LOGIN_CAPABILITY, parse_nothing},
    {"NOOP", IMAP_LOGIN_NOOP, parse_nothing},
    {"LOGOUT", IMAP_LOGIN_LOGOUT, parse_nothing},
    {"ID", IMAP_LOGIN_ID, parse_id},
    {"STARTTLS", IMAP_LOGIN_STARTTLS, parse_nothing},
    {"LOGIN", IMAP_LOGIN_LOGIN, parse_login},
    {"AUTHENTICATE", IMAP_LOGIN_AUTHENTICATE, parse_authenticate},
};

static const char *const not_now[] = {
    "APPEND",  "CHECK",     "CLOSE",        "COMPRESS",    "COPY",   "CREATE", "DELETE",
    "ENABLE",  "EXAMINE",   "FETCH",        "GETMETADATA", "IDLE",   "LIST",   "LSUB",
    "MOVE",    "NAMESPACE", "NOTIFY",       "RENAME",      "SEARCH", "SELECT", "SETMETADATA",
    "SORT",    "STATUS",    "STORE",        "SUBSCRIBE",   "THREAD", "UID",    "UNSELECT",
    "EXPUNGE", "GETQUOTA",  "GETQUOTAROOT", "UNSUBSCRIBE",
};

static bool
same(const char *text, size_t length, const char *name)
{
	return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

static void
arguments(struct input *in, const char *name, size_t length, struct imap_login_command *command)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!same(name, length, verbs[i].name))
			continue;
		command->why = verbs[i].arguments(in, command);
		command->verb = command->why == NULL ? verbs[i].verb : IMAP_LOGIN_MALFORMED;
		return;
	}
	command->why = NULL;
	command->verb = IMAP_LOGIN_UNKNOWN;
	for (i = 0; i < sizeof(not_now) / sizeof(not_now[0]); i++) {
		if (same(name, length, not_now[i]))
			command->verb = IMAP_LOGIN_NOT_NOW;
	}
}

void
imap_login_parse(const char *bytes, size_t length, struct imap_login_command *command)
{
	struct input in = {bytes, bytes + length};
	const char *tag, *name;
	size_t n;

	memset(command, 0, sizeof(*command));
	command->verb = IMAP_LOGIN_MALFORMED;
	strlcpy(command->tag, "*", sizeof(command->tag));
	if (in.end > in.at && in.end[-1] == '\n')
		in.end--;
	if (in.end > in.at && in.end[-1] == '\r')
		in.end--;
	command->why = "Expected a tag, a space and a command";
	n = word(&in, &tag);
	if (n == 0 || n >= IMAP_LOGIN_TAG_SIZE || memchr(tag, '+', n) != NULL || !space(&in))
		return;
	memcpy(command->tag, tag, n);
	command->tag[n] = '\0';
	n = word(&in, &name);
	if (n > 0)
		arguments(&in, name, n, command);
}
