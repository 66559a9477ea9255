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

#include "worker/session/imap/parse_private.h"

#define KEPT_ROOM 4096u          /* octets of the buffer that stay between commands */
#define SKIPPED_MAX (256u << 20) /* octets of literals of a command that is wrong already */
#define TAIL_MAX 32              /* "~{9223372036854775807+}\r\n" and more */

enum state {
	LINE,         /* in a line */
	LITERAL,      /* in a literal that is kept */
	SKIP_LINE,    /* in a line of a command that is wrong */
	SKIP_LITERAL, /* in a literal of such a one */
	FATAL,
};

struct imap_parser {
	enum state state;
	bool utf8;
	bool idle;   /* the next line is to be DONE */
	bool over;   /* what is here is the command before */
	bool begun;  /* the command's name has been read: `grammar` */
	bool append; /* `cursor` and `append_state` count */

	char *buffer;
	size_t length, room;
	size_t line;         /* where the line begins */
	size_t text;         /* octets of lines, for the bound */
	uint64_t literal;    /* octets to come */
	uint64_t skipped;    /* octets of literals */
	char tail[TAIL_MAX]; /* the last octets of a line that is skipped */
	size_t tail_length;

	struct imap_arena arena;
	struct imap_command command;
	const struct imap_grammar *grammar;
	size_t cursor; /* read up to here */
	enum imap_append_state append_state;
	struct imap_literal message;
	struct error err;
};

struct imap_parser *
imap_parser_new(void)
{
	struct imap_parser *parser = calloc(1, sizeof(*parser));

	if (parser != NULL)
		parser->arena.max = IMAP_ARENA_MAX;
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
	parser->state = LINE;
	parser->over = parser->begun = parser->append = false;
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
	return !parser->over && (parser->length > 0 || parser->state != LINE);
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

/* The literal that a line announces with its end. False: none. */
static bool
announced_at_end(const char *line, size_t length, struct imap_announced *announced)
{
	const char *begin = length > TAIL_MAX ? line + length - TAIL_MAX : line, *at, *behind;
	const char *end = line + length;

	for (at = end; at > begin && at[-1] != '{'; at--)
		;
	if (at == begin)
		return false;
	at--;
	if (at > begin && at[-1] == '~')
		at--;
	return lex_announcement(at, end, announced, &behind) && behind == end;
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

	if (!announced_at_end(line, length, &announced) || announced.sync)
		return finish(parser, IMAP_STEP_BAD);
	parser->tail_length = 0;
	parser->skipped += announced.octets;
	if (announced.overflow || announced.octets > SKIPPED_MAX || parser->skipped > SKIPPED_MAX) {
		error_set_text(&parser->err, "A literal too large to wait for its end");
		parser->state = FATAL;
		return IMAP_STEP_FATAL;
	}
	parser->state = SKIP_LITERAL;
	parser->literal = announced.octets;
	return IMAP_STEP_MORE;
}

static void
lexer_at(struct imap_parser *parser, struct imap_lexer *lex)
{
	memset(lex, 0, sizeof(*lex));
	lex->at = parser->buffer + parser->cursor;
	lex->end = parser->buffer + parser->length;
	lex->arena = &parser->arena;
	lex->utf8 = parser->utf8;
}

/* A literal of the command itself. */
static enum imap_step
kept_literal(struct imap_parser *parser, const struct imap_announced *announced)
{
	if (announced->overflow || announced->octets > IMAP_COMMAND_MAX - parser->length) {
		error_set_text(&parser->err,
			       "A command with its literals can't have more than %d octets",
			       IMAP_COMMAND_MAX);
		return IMAP_STEP_BAD;
	}
	parser->literal = announced->octets;
	parser->line = parser->length;
	if (announced->octets > 0)
		parser->state = LITERAL;
	return announced->sync ? IMAP_STEP_CONTINUE : IMAP_STEP_MORE;
}

/* Reads on in APPEND. */
static enum imap_step
append_line(struct imap_parser *parser)
{
	struct imap_announced announced;
	enum imap_append_state state = parser->append_state;
	struct imap_lexer lex;
	bool done = false, good;

	lexer_at(parser, &lex);
	if (parser->append)
		good = imap_parse_messages(&lex, &parser->command, &state, &parser->message, &done);
	else {
		lex.after = imap_verb_name(&parser->command);
		good = parser->grammar->arguments(&lex, &parser->command);
		if (good) {
			parser->append = true;
			parser->append_state = IMAP_APPEND_MESSAGE;
			parser->cursor = (size_t)(lex.at - parser->buffer);
			return append_line(parser);
		}
	}
	if (good) {
		parser->cursor = parser->line = parser->length;
		parser->text = 0;
		parser->append_state = state;
		return done ? IMAP_STEP_COMMAND : IMAP_STEP_MESSAGE;
	}
	parser->err = lex.err;
	if (!lex.incomplete || !announced_at_end(parser->buffer + parser->line,
						 parser->length - parser->line, &announced))
		return IMAP_STEP_BAD;
	parser->append_state = state;
	if (lex.safe != NULL)
		parser->cursor = (size_t)(lex.safe - parser->buffer);
	return kept_literal(parser, &announced);
}

static enum imap_step
whole_command(struct imap_parser *parser)
{
	struct imap_lexer lex;

	lexer_at(parser, &lex);
	lex.after = parser->command.uid ? imap_verb_name(&parser->command) : parser->grammar->name;
	if (parser->grammar->arguments(&lex, &parser->command) && !lex.failed)
		return IMAP_STEP_COMMAND;
	parser->err = lex.err;
	return IMAP_STEP_BAD;
}

static enum imap_step
done_line(struct imap_parser *parser)
{
	struct imap_lexer lex;

	parser->idle = false;
	lexer_at(parser, &lex);
	lex.after = "IDLE";
	parser->command.tag = "";
	parser->command.verb = IMAP_IDLE_DONE;
	if (lex_take_word(&lex, "DONE") && lex_end(&lex))
		return IMAP_STEP_COMMAND;
	lex_expected(&lex, "DONE");
	parser->command.tag = NULL;
	parser->err = lex.err;
	return IMAP_STEP_BAD;
}

/* NUL never, CR only before LF (RFC 9051 9). */
static bool
clean_line(struct imap_parser *parser)
{
	const char *line = parser->buffer + parser->line;
	size_t length = parser->length - parser->line - 1;

	if (memchr(line, '\0', length) != NULL) {
		error_set_text(&parser->err, "A NUL octet outside a literal");
		return false;
	}
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (memchr(line, '\r', length) != NULL) {
		error_set_text(&parser->err, "A CR without LF");
		return false;
	}
	return true;
}

/* The command's name, once. */
static bool
begin(struct imap_parser *parser)
{
	struct imap_lexer lex;
	bool good;

	if (parser->begun)
		return true;
	lexer_at(parser, &lex);
	good = imap_parse_start(&lex, &parser->command, &parser->grammar);
	parser->err = lex.err;
	parser->cursor = (size_t)(lex.at - parser->buffer);
	parser->begun = good;
	return good;
}

static enum imap_step
read_line(struct imap_parser *parser)
{
	struct imap_announced announced;

	if (parser->idle)
		return done_line(parser);
	/* The tag first, so that whatever is wrong can be answered to it. */
	if (!begin(parser) || !clean_line(parser))
		return IMAP_STEP_BAD;
	if (parser->grammar->arguments == imap_parse_append)
		return append_line(parser);
	if (announced_at_end(parser->buffer + parser->line, parser->length - parser->line,
			     &announced))
		return kept_literal(parser, &announced);
	return whole_command(parser);
}

static enum imap_step
line_ended(struct imap_parser *parser)
{
	size_t start = parser->line;
	enum imap_step step = read_line(parser);

	if (step == IMAP_STEP_BAD)
		return wrong_line(parser, parser->buffer + start, parser->length - start);
	return step == IMAP_STEP_COMMAND ? finish(parser, step) : step;
}

/* The tag of a line that is too long may be there all the same. */
static void
too_long(struct imap_parser *parser, const char *bytes, size_t length)
{
	size_t kept = parser->length - parser->line;

	if (kept > TAIL_MAX)
		kept = TAIL_MAX;
	if (kept > 0)
		memcpy(parser->tail, parser->buffer + parser->length - kept, kept);
	parser->tail_length = kept;
	if (parser->length == 0 &&
	    keep(parser, bytes, length < IMAP_TAG_MAX + 64 ? length : IMAP_TAG_MAX + 64) != 0)
		parser->length = 0;
	if (parser->length > 0)
		begin(parser);
	error_set_text(&parser->err,
		       "A command can't have more than %d octets outside literals, %d with them",
		       IMAP_LINE_MAX, IMAP_COMMAND_MAX);
	parser->state = SKIP_LINE;
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
		parser->state = FATAL;
		return IMAP_STEP_FATAL;
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
	kept = n >= TAIL_MAX ? 0 : TAIL_MAX - n;
	if (kept > parser->tail_length)
		kept = parser->tail_length;
	memmove(parser->tail, parser->tail + parser->tail_length - kept, kept);
	if (n > TAIL_MAX) {
		bytes += n - TAIL_MAX;
		n = TAIL_MAX;
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
	if (parser->state == SKIP_LITERAL) {
		if (parser->literal == 0)
			parser->state = SKIP_LINE;
		return IMAP_STEP_MORE;
	}
	if (keep(parser, bytes, *used) != 0) {
		parser->state = FATAL;
		return IMAP_STEP_FATAL;
	}
	if (parser->literal == 0) {
		parser->state = LINE;
		parser->line = parser->length;
	}
	return IMAP_STEP_MORE;
}

static enum imap_step
one_step(struct imap_parser *parser, const char *bytes, size_t length, size_t *used)
{
	*used = 0;
	switch (parser->state) {
	case LINE:
		return take_line(parser, bytes, length, used);
	case SKIP_LINE:
		return skip_line(parser, bytes, length, used);
	case LITERAL:
	case SKIP_LITERAL:
		return take_literal(parser, bytes, length, used);
	case FATAL:
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
