/* SPDX-License-Identifier: ISC */
/*
 * Lines and literals become commands. A literal is announced by the end of a line (RFC 9051 4.3),
 * so lines can be collected without their grammar; APPEND and REPLACE alone are read piece by
 * piece, since their messages are not kept here. Nothing is read twice, but for what stands between
 * two messages and has a literal in it.
 */
#include "worker/session/imap/parse.h"

#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/parser.h"

#define KEPT_ROOM 4096u          /* octets of the buffer that stay between commands */
#define ARENA_MIN 8192u          /* octets of memory that a command has in any case */
#define SKIPPED_MAX (256u << 20) /* octets of literals of a command that is wrong already */

struct imap_parser *
imap_parser_new(void)
{
	struct imap_parser *parser = calloc(1, sizeof(*parser));

	if (parser != NULL)
		imap_parser_set_room(parser, SIZE_MAX);
	return parser;
}

void
imap_parser_free(struct imap_parser *parser)
{
	if (parser == NULL)
		return;
	imap_arena_clear(&parser->arena);
	free(parser->buffer);
	free(parser);
}

void
imap_parser_set_utf8(struct imap_parser *parser, bool on)
{
	parser->utf8 = on;
}

void
imap_parser_set_administrator(struct imap_parser *parser)
{
	parser->administrator = true;
}

void
imap_parser_idle(struct imap_parser *parser)
{
	parser->idle = true;
}

void
imap_parser_reset(struct imap_parser *parser)
{
	imap_arena_clear(&parser->arena);
	memset(&parser->command, 0, sizeof(parser->command));
	memset(&parser->message, 0, sizeof(parser->message));
	parser->state = IMAP_IN_LINE;
	parser->over = parser->begun = parser->append = parser->limit = false;
	parser->length = parser->line = parser->text = parser->cursor = parser->tail_length = 0;
	parser->literal = parser->skipped = 0;
	if (parser->room > KEPT_ROOM) {
		free(parser->buffer);
		parser->buffer = NULL;
		parser->room = 0;
	}
}

void
imap_parser_rest(struct imap_parser *parser)
{
	if (parser->over)
		imap_parser_reset(parser);
	if (parser->length > 0)
		return;
	free(parser->buffer);
	parser->buffer = NULL;
	parser->room = 0;
}

struct imap_command *
imap_parser_command(struct imap_parser *parser)
{
	return &parser->command;
}

const struct imap_literal *
imap_parser_literal(const struct imap_parser *parser)
{
	return &parser->message;
}

const char *
imap_parser_tag(const struct imap_parser *parser)
{
	return parser->command.tag == NULL ? "*" : parser->command.tag;
}

const char *
imap_parser_error(const struct imap_parser *parser)
{
	return parser->err.text;
}

bool
imap_parser_busy(const struct imap_parser *parser)
{
	return !parser->over && (parser->length > 0 || parser->state != IMAP_IN_LINE);
}

void
imap_parser_give(struct imap_parser *parser, struct imap_arena *to)
{
	imap_arena_move(&parser->arena, to);
}

size_t
imap_parser_memory(const struct imap_parser *parser)
{
	return parser->arena.total + parser->room +
	       (parser->state == IMAP_IN_LITERAL ? (size_t)parser->literal : 0);
}

void
imap_parser_set_room(struct imap_parser *parser, uint64_t octets)
{
	size_t most = octets < IMAP_ARENA_MAX ? (size_t)octets : IMAP_ARENA_MAX;

	parser->spare = most;
	/* The tag and short commands are always taken. */
	if (most < ARENA_MIN)
		most = ARENA_MIN;
	/* What it has already is the caller's to count. */
	parser->arena.max = parser->arena.total + most < IMAP_ARENA_MAX ? parser->arena.total + most
									: IMAP_ARENA_MAX;
}

bool
imap_parser_is_limit(const struct imap_parser *parser)
{
	return parser->limit;
}

static int
keep(struct imap_parser *parser, const char *bytes, size_t length)
{
	size_t room = parser->room == 0 ? 256 : parser->room;
	char *larger;

	while (room < parser->length + length)
		room *= 2;
	if (room != parser->room) {
		if ((larger = realloc(parser->buffer, room)) == NULL)
			return error_set(&parser->err, "Out of memory");
		parser->buffer = larger;
		parser->room = room;
	}
	memcpy(parser->buffer + parser->length, bytes, length);
	parser->length += length;
	return 0;
}

static enum imap_step
finish(struct imap_parser *parser, enum imap_step step)
{
	parser->over = true;
	return step;
}

/* A line of a wrong command has ended: with a literal that comes anyway, or that is asked for. */
static enum imap_step
wrong_line(struct imap_parser *parser, const char *line, size_t length)
{
	struct imap_announced announced;

	if (!imap_announced_at_end(line, length, &announced) || announced.sync)
		return finish(parser, IMAP_STEP_BAD);
	parser->tail_length = 0;
	parser->skipped += announced.octets;
	if (announced.overflow || announced.octets > SKIPPED_MAX || parser->skipped > SKIPPED_MAX) {
		error_set_text(&parser->err, "A literal too large to wait for its end");
		parser->state = IMAP_LOST;
		return IMAP_STEP_FATAL;
	}
	parser->state = IMAP_SKIP_LITERAL;
	parser->literal = announced.octets;
	return IMAP_STEP_MORE;
}

static enum imap_step
line_ended(struct imap_parser *parser)
{
	size_t start = parser->line;
	enum imap_step step = imap_parser_line(parser);

	if (step == IMAP_STEP_BAD)
		return wrong_line(parser, parser->buffer + start, parser->length - start);
	return step == IMAP_STEP_COMMAND ? finish(parser, step) : step;
}

/* The tag of a line that is too long may be there all the same. */
static void
too_long(struct imap_parser *parser, const char *bytes, size_t length)
{
	size_t kept = parser->length - parser->line;

	if (kept > IMAP_TAIL_MAX)
		kept = IMAP_TAIL_MAX;
	if (kept > 0)
		memcpy(parser->tail, parser->buffer + parser->length - kept, kept);
	parser->tail_length = kept;
	if (parser->length == 0 &&
	    keep(parser, bytes, length < IMAP_TAG_MAX + 64 ? length : IMAP_TAG_MAX + 64) != 0)
		parser->length = 0;
	if (parser->length > 0)
		imap_parser_begin(parser);
	error_set_text(&parser->err,
		       "A command can't have more than %d octets outside literals, %d with them",
		       IMAP_LINE_MAX, IMAP_COMMAND_MAX);
	parser->state = IMAP_SKIP_LINE;
}

/* The rest of the command is skipped, and then it is refused. */
static void
no_memory(struct imap_parser *parser)
{
	parser->limit = true;
	error_set_text(&parser->err, "There is no memory for this command now");
}

static size_t
line_octets(const char *bytes, size_t length, bool *ended)
{
	const char *end = memchr(bytes, '\n', length);

	*ended = end != NULL;
	return end == NULL ? length : (size_t)(end - bytes) + 1;
}

static enum imap_step
take_line(struct imap_parser *parser, const char *bytes, size_t length, size_t *used)
{
	bool ended;
	size_t n = line_octets(bytes, length, &ended);

	if (n > IMAP_LINE_MAX - parser->text || n > IMAP_COMMAND_MAX - parser->length) {
		too_long(parser, bytes, n);
		*used = 0;
		return IMAP_STEP_MORE;
	}
	*used = n;
	if (keep(parser, bytes, n) != 0) {
		too_long(parser, bytes, n);
		no_memory(parser);
		*used = 0;
		return IMAP_STEP_MORE;
	}
	parser->text += n;
	return ended ? line_ended(parser) : IMAP_STEP_MORE;
}

static enum imap_step
skip_line(struct imap_parser *parser, const char *bytes, size_t length, size_t *used)
{
	bool ended;
	size_t n = line_octets(bytes, length, &ended), kept;

	*used = n;
	/* Of the old tail what the new octets leave room for. */
	kept = n >= IMAP_TAIL_MAX ? 0 : IMAP_TAIL_MAX - n;
	if (kept > parser->tail_length)
		kept = parser->tail_length;
	memmove(parser->tail, parser->tail + parser->tail_length - kept, kept);
	if (n > IMAP_TAIL_MAX) {
		bytes += n - IMAP_TAIL_MAX;
		n = IMAP_TAIL_MAX;
	}
	memcpy(parser->tail + kept, bytes, n);
	parser->tail_length = kept + n;
	return ended ? wrong_line(parser, parser->tail, parser->tail_length) : IMAP_STEP_MORE;
}

static enum imap_step
take_literal(struct imap_parser *parser, const char *bytes, size_t length, size_t *used)
{
	*used = length < parser->literal ? length : (size_t)parser->literal;
	parser->literal -= *used;
	if (parser->state == IMAP_SKIP_LITERAL) {
		if (parser->literal == 0)
			parser->state = IMAP_SKIP_LINE;
		return IMAP_STEP_MORE;
	}
	if (keep(parser, bytes, *used) != 0) {
		no_memory(parser);
		parser->tail_length = 0;
		parser->state = parser->literal == 0 ? IMAP_SKIP_LINE : IMAP_SKIP_LITERAL;
		return IMAP_STEP_MORE;
	}
	if (parser->literal == 0) {
		parser->state = IMAP_IN_LINE;
		parser->line = parser->length;
	}
	return IMAP_STEP_MORE;
}

static enum imap_step
one_step(struct imap_parser *parser, const char *bytes, size_t length, size_t *used)
{
	*used = 0;
	switch (parser->state) {
	case IMAP_IN_LINE:
		return take_line(parser, bytes, length, used);
	case IMAP_SKIP_LINE:
		return skip_line(parser, bytes, length, used);
	case IMAP_IN_LITERAL:
	case IMAP_SKIP_LITERAL:
		return take_literal(parser, bytes, length, used);
	case IMAP_LOST:
		break;
	}
	return IMAP_STEP_FATAL;
}

enum imap_step
imap_parser_feed(struct imap_parser *parser, const char *bytes, size_t length, size_t *used)
{
	enum imap_step step = IMAP_STEP_MORE;
	size_t n;

	*used = 0;
	if (parser->over && length > 0)
		imap_parser_reset(parser);
	while (*used < length && step == IMAP_STEP_MORE) {
		step = one_step(parser, bytes + *used, length - *used, &n);
		*used += n;
	}
	return step;
}
