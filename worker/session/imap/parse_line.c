/* SPDX-License-Identifier: ISC */
/*
 * A command is read when its last line is there; APPEND and REPLACE alone are read piece by piece,
 * since their messages are not kept here. Nothing is read twice, but for a literal's announcement
 * and what stands before APPEND's name.
 */
#include <string.h>

#include "worker/session/imap/parser.h"

/* The literal that a line announces with its end. False: none. */
bool
imap_announced_at_end(const char *line, size_t length, struct imap_announced *announced)
{
	const char *begin = length > IMAP_TAIL_MAX ? line + length - IMAP_TAIL_MAX : line, *at,
		   *behind;
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

static void
lexer_at(struct imap_parser *parser, struct imap_lexer *lex)
{
	memset(lex, 0, sizeof(*lex));
	lex->at = parser->buffer + parser->cursor;
	lex->end = parser->buffer + parser->length;
	lex->arena = &parser->arena;
	lex->utf8 = parser->utf8;
	lex->administrator = parser->administrator;
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
	if (announced->octets > parser->spare) {
		parser->limit = true;
		error_set_text(&parser->err, "There is no memory for this literal now");
		return IMAP_STEP_BAD;
	}
	parser->literal = announced->octets;
	parser->line = parser->length;
	if (announced->octets > 0)
		parser->state = IMAP_IN_LITERAL;
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
	parser->limit = lex.limit;
	if (!lex.incomplete || !imap_announced_at_end(parser->buffer + parser->line,
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
	parser->limit = lex.limit;
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
bool
imap_parser_begin(struct imap_parser *parser)
{
	struct imap_lexer lex;
	bool good;

	if (parser->begun)
		return true;
	lexer_at(parser, &lex);
	good = imap_parse_start(&lex, &parser->command, &parser->grammar);
	parser->err = lex.err;
	parser->limit = lex.limit;
	parser->cursor = (size_t)(lex.at - parser->buffer);
	parser->begun = good;
	return good;
}

enum imap_step
imap_parser_line(struct imap_parser *parser)
{
	struct imap_announced announced;

	if (parser->idle)
		return done_line(parser);
	/* The tag first, so that whatever is wrong can be answered to it. */
	if (!imap_parser_begin(parser) || !clean_line(parser))
		return IMAP_STEP_BAD;
	if (parser->grammar->arguments == imap_parse_append)
		return append_line(parser);
	if (imap_announced_at_end(parser->buffer + parser->line, parser->length - parser->line,
				  &announced))
		return kept_literal(parser, &announced);
	return whole_command(parser);
}
