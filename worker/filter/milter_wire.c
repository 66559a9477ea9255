/* SPDX-License-Identifier: ISC */
#include "worker/filter/milter_wire.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#define LENGTH_OCTETS 4

/*
 * -- Commands -------------------------------------------------------------------
 */

static int
write_head(struct evbuffer *out, enum milter_command command, size_t length)
{
	unsigned char head[LENGTH_OCTETS + 1];
	uint32_t size = htonl((uint32_t)length + 1);

	memcpy(head, &size, sizeof(size));
	head[LENGTH_OCTETS] = (unsigned char)command;
	return evbuffer_add(out, head, sizeof(head));
}

int
milter_write_data(struct evbuffer *out, enum milter_command command, const void *data,
		  size_t length)
{
	if (length > MILTER_DATA_MAX)
		length = MILTER_DATA_MAX;
	if (write_head(out, command, length) == -1)
		return -1;
	return length == 0 ? 0 : evbuffer_add(out, data, length);
}

int
milter_write(struct evbuffer *out, enum milter_command command)
{
	return milter_write_data(out, command, NULL, 0);
}

int
milter_write_options(struct evbuffer *out, const struct milter_options *options)
{
	const uint32_t words[3] = {htonl(options->version), htonl(options->actions),
				   htonl(options->steps)};

	return milter_write_data(out, MILTER_OPTIONS, words, sizeof(words));
}

/* How much of STRING goes into a packet that has LEFT octets, its NUL beside. */
static size_t
cut(const char *string, size_t left)
{
	return left == 0 ? 0 : strnlen(string, left - 1);
}

int
milter_write_strings(struct evbuffer *out, enum milter_command command, const char *const *strings,
		     size_t count)
{
	size_t left = MILTER_DATA_MAX, i;

	for (i = 0; i < count && left > 0; i++)
		left -= cut(strings[i], left) + 1;
	if (write_head(out, command, MILTER_DATA_MAX - left) == -1)
		return -1;
	for (left = MILTER_DATA_MAX, i = 0; i < count && left > 0; i++) {
		size_t length = cut(strings[i], left);

		if (evbuffer_add(out, strings[i], length) == -1 || evbuffer_add(out, "", 1) == -1)
			return -1;
		left -= length + 1;
	}
	return 0;
}

#define MACROS_MAX 16

int
milter_write_macros(struct evbuffer *out, enum milter_command about, const char *const *pairs,
		    size_t count)
{
	const char *strings[2 * MACROS_MAX];
	char first[MILTER_MACRO_NAME_MAX + 2] = {(char)about};
	size_t used = 0;

	for (size_t i = 0; i + 1 < count && used < 2 * MACROS_MAX; i += 2) {
		if (pairs[i + 1] == NULL)
			continue;
		strings[used++] = pairs[i];
		strings[used++] = pairs[i + 1];
	}
	if (used == 0)
		return milter_write_data(out, MILTER_MACRO, first, 1);
	/* The command stands before the first name, without anything between them. */
	strlcpy(first + 1, strings[0], sizeof(first) - 1);
	strings[0] = first;
	return milter_write_strings(out, MILTER_MACRO, strings, used);
}

int
milter_write_connect(struct evbuffer *out, const char *host, char family, uint16_t port,
		     const char *address)
{
	size_t host_length = strlen(host) + 1;
	size_t address_length = address == NULL ? 0 : strlen(address) + 1;
	uint16_t wire_port = htons(port);

	if (write_head(out, MILTER_CONNECT,
		       host_length + 1 + (address == NULL ? 0 : sizeof(port) + address_length)) ==
		-1 ||
	    evbuffer_add(out, host, host_length) == -1 || evbuffer_add(out, &family, 1) == -1)
		return -1;
	if (address == NULL)
		return 0;
	return evbuffer_add(out, &wire_port, sizeof(wire_port)) == -1 ||
		       evbuffer_add(out, address, address_length) == -1
		   ? -1
		   : 0;
}

/*
 * -- Replies --------------------------------------------------------------------
 */

static uint32_t
number(const char *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return ntohl(value);
}

int32_t
milter_packet(const char *bytes, size_t length)
{
	uint32_t size;

	if (length < LENGTH_OCTETS)
		return 0;
	size = number(bytes);
	if (size == 0 || size > MILTER_PACKET_MAX)
		return -1;
	return length - LENGTH_OCTETS < size ? 0 : (int32_t)size;
}

/* What follows the three numbers says which macros are wanted. All that there are come anyhow. */
int
milter_read_options(const char *packet, size_t length, struct milter_options *options)
{
	if (length < 1 + 3 * LENGTH_OCTETS || packet[0] != MILTER_OPTIONS)
		return -1;
	options->version = number(packet + 1);
	options->actions = number(packet + 1 + LENGTH_OCTETS);
	options->steps = number(packet + 1 + 2 * LENGTH_OCTETS);
	return 0;
}

/* What the data of a reply is made of. */
enum shape {
	SHAPE_NOTHING,
	SHAPE_OCTETS,
	SHAPE_NAME,       /* a string */
	SHAPE_NAME_MORE,  /* a string, and perhaps another */
	SHAPE_PAIR,       /* two strings */
	SHAPE_INDEX_PAIR, /* a number before them */
};

static const struct {
	char octet;
	enum milter_reply_type type;
	enum shape shape;
} replies[] = {
    {'c', MILTER_CONTINUE, SHAPE_NOTHING},     {'s', MILTER_SKIP, SHAPE_NOTHING},
    {'a', MILTER_ACCEPT, SHAPE_NOTHING},       {'r', MILTER_REJECT, SHAPE_NOTHING},
    {'t', MILTER_TEMPFAIL, SHAPE_NOTHING},     {'d', MILTER_DISCARD, SHAPE_NOTHING},
    {'y', MILTER_REPLYCODE, SHAPE_NAME},       {'4', MILTER_SHUTDOWN, SHAPE_NOTHING},
    {'f', MILTER_CONN_FAIL, SHAPE_NOTHING},    {'p', MILTER_PROGRESS, SHAPE_NOTHING},
    {'h', MILTER_ADDHEADER, SHAPE_PAIR},       {'i', MILTER_INSHEADER, SHAPE_INDEX_PAIR},
    {'m', MILTER_CHGHEADER, SHAPE_INDEX_PAIR}, {'b', MILTER_REPLBODY, SHAPE_OCTETS},
    {'+', MILTER_ADDRCPT, SHAPE_NAME},         {'2', MILTER_ADDRCPT, SHAPE_NAME_MORE},
    {'-', MILTER_DELRCPT, SHAPE_NAME},         {'e', MILTER_CHGFROM, SHAPE_NAME_MORE},
    {'q', MILTER_QUARANTINE, SHAPE_NAME},
};

/* The string at *AT, which goes behind its NUL. NULL: there is none. */
static const char *
take_string(const char *packet, size_t length, size_t *at)
{
	const char *string = packet + *at;
	const char *end = *at < length ? memchr(string, '\0', length - *at) : NULL;

	if (end == NULL)
		return NULL;
	*at += (size_t)(end - string) + 1;
	return string;
}

static int
read_strings(const char *packet, size_t length, enum shape shape, struct milter_reply *reply)
{
	size_t at = 1;

	if (shape == SHAPE_INDEX_PAIR) {
		if (length < 1 + LENGTH_OCTETS)
			return -1;
		reply->index = number(packet + 1);
		at += LENGTH_OCTETS;
	}
	reply->name = take_string(packet, length, &at);
	if (reply->name == NULL)
		return -1;
	if (shape == SHAPE_PAIR || shape == SHAPE_INDEX_PAIR ||
	    (shape == SHAPE_NAME_MORE && at < length)) {
		reply->value = take_string(packet, length, &at);
		if (reply->value == NULL)
			return -1;
	}
	return at == length ? 0 : -1;
}

int
milter_read_reply(const char *packet, size_t length, struct milter_reply *reply)
{
	*reply = (struct milter_reply){.type = MILTER_REPLY_TYPES};
	if (length == 0)
		return -1;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		if (replies[i].octet != packet[0])
			continue;
		reply->type = replies[i].type;
		if (replies[i].shape == SHAPE_NOTHING)
			return 0; /* libmilter sends none; what is there is not looked at */
		if (replies[i].shape == SHAPE_OCTETS) {
			reply->data = packet + 1;
			reply->length = length - 1;
			return 0;
		}
		return read_strings(packet, length, replies[i].shape, reply);
	}
	return -1;
}

bool
milter_is_change(enum milter_reply_type type)
{
	return type >= MILTER_ADDHEADER;
}

static const uint32_t actions[MILTER_REPLY_TYPES] = {
    [MILTER_ADDHEADER] = MILTER_ADDS_HEADERS,
    [MILTER_INSHEADER] = MILTER_ADDS_HEADERS,
    [MILTER_CHGHEADER] = MILTER_CHANGES_HEADERS,
    [MILTER_REPLBODY] = MILTER_CHANGES_BODY,
    [MILTER_ADDRCPT] = MILTER_ADDS_RCPTS | MILTER_ADDS_RCPTS_PAR,
    [MILTER_DELRCPT] = MILTER_DELETES_RCPTS,
    [MILTER_CHGFROM] = MILTER_CHANGES_FROM,
    [MILTER_QUARANTINE] = MILTER_QUARANTINES,
};

uint32_t
milter_action_of(enum milter_reply_type type)
{
	return actions[type];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3463 2: class "." subject "." detail. Returns its length, 0 if there is none. */
static size_t
status_length(const char *text, size_t max)
{
	unsigned dots = 0;
	size_t n;

	if ((text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.')
		return 0;
	for (n = 0; n < max && (is_digit(text[n]) || text[n] == '.'); n++) {
		if (text[n] == '.' && !is_digit(text[n + 1]))
			return 0;
		dots += text[n] == '.';
	}
	return dots == 2 && is_digit(text[n - 1]) && strchr(" \r\n", text[n]) != NULL ? n : 0;
}

/* Takes the status that TEXT begins with, or one of its own. Returns what is behind it. */
static const char *
read_status(const char *text, struct milter_code *out)
{
	char class = (char)(out->code / 100 + '0');
	size_t length = status_length(text, sizeof(out->status) - 1);

	/* RFC 2034 4: each refusal has one, and of its class; another's means something else. */
	if (length > 0 && text[0] == class)
		(void)strlcpy(out->status, text, length + 1);
	else
		(void)snprintf(out->status, sizeof(out->status), "%c.7.1", class);
	return text + length + (text[length] == ' ');
}

/* What a line says behind its code, a blank or hyphen and a status, if it has them. */
static const char *
words_of(const char *line)
{
	if (is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]) &&
	    (line[3] == ' ' || line[3] == '-')) {
		size_t length =
		    status_length(line + 4, sizeof(((struct milter_code *)0)->status) - 1);

		line += 4 + length;
		line += length > 0 && *line == ' ' ? 1 : 0;
	}
	return line;
}

/* Writes a line's words to BUFFER, as far as there is ROOM. Returns where the next line begins. */
static const char *
take_words(const char *text, char *buffer, size_t room, size_t *used)
{
	for (; *text != '\0' && *text != '\r' && *text != '\n'; text++) {
		/* smfi_setreply(3) wants a "%" to be doubled. */
		if (text[0] == '%' && text[1] == '%')
			text++;
		if (*used + 1 < room)
			buffer[(*used)++] = *text >= ' ' && *text <= '~' ? *text : '?';
	}
	return text + strspn(text, "\r\n");
}

int
milter_read_code(const char *text, struct milter_code *out, char *buffer, size_t room)
{
	size_t n = 0;

	if ((text[0] != '4' && text[0] != '5') || !is_digit(text[1]) || !is_digit(text[2]) ||
	    (text[3] != ' ' && text[3] != '-' && text[3] != '\0'))
		return -1;
	out->code = (unsigned)(text[0] - '0') * 100 + (unsigned)(text[1] - '0') * 10 +
		    (unsigned)(text[2] - '0');
	out->text = buffer;
	text = take_words(read_status(text + (text[3] == '\0' ? 3 : 4), out), buffer, room, &n);
	while (*text != '\0') {
		if (n > 0 && n + 1 < room)
			buffer[n++] = '\n';
		text = take_words(words_of(text), buffer, room, &n);
	}
	buffer[n] = '\0';
	if (n == 0)
		strlcpy(buffer, "Refused by a filter", room);
	return 0;
}
