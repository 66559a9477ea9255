/* SPDX-License-Identifier: ISC */
/* From octets to commands: the parser says what comes next, and this gives it what there is. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/imap_private.h"

#define ERRORS_MAX 50 /* lines in a row that are no commands, before we hang up */

ssize_t
imap_input_read(struct imap *imap)
{
	ssize_t n;

	if (imap->in == NULL && (imap->in = malloc(IMAP_IN_SIZE)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (imap->in_begin > 0) {
		memmove(imap->in, imap->in + imap->in_begin, imap->in_end - imap->in_begin);
		imap->in_end -= imap->in_begin;
		imap->in_begin = 0;
	}
	if (imap->in_end == IMAP_IN_SIZE)
		return 1;
	n = stream_read(&imap->stream, imap->in + imap->in_end, IMAP_IN_SIZE - imap->in_end);
	if (n > 0)
		imap->in_end += (size_t)n;
	return n;
}

void
imap_input_rest(struct imap *imap)
{
	if (imap->in_begin < imap->in_end)
		return;
	free(imap->in);
	imap->in = NULL;
	imap->in_begin = imap->in_end = 0;
	imap_parser_rest(imap->parser);
}

void
imap_input_free(struct imap *imap)
{
	free(imap->in);
	imap->in = NULL;
	imap_append_free(imap);
	imap_parser_free(imap->parser);
	imap->parser = NULL;
}

/* The first line: the tag of the login, from the gate. */
static bool
take_login_tag(struct imap *imap)
{
	const char *line = imap->in + imap->in_begin;
	const char *lf = memchr(line, '\n', imap->in_end - imap->in_begin);
	int length;

	if (lf == NULL) {
		if (imap->in_end - imap->in_begin > IMAP_TAG_MAX + 1) {
			imap->broken = true;
			imap->why = "no tag of a login came";
		}
		return false;
	}
	length = (int)(lf - line);
	if (length > 0 && line[length - 1] == '\r')
		length--;
	imap_printf(imap, "%.*s OK [CAPABILITY %s] Logged in\r\n", length, line, imap_capabilities);
	imap->in_begin += (size_t)(lf - line) + 1;
	imap->state = IMAP_AUTHENTICATED;
	return true;
}

static bool
take_message(struct imap *imap)
{
	size_t length = imap->in_end - imap->in_begin;

	if (length == 0)
		return false;
	if (length > imap->literal)
		length = (size_t)imap->literal;
	imap_append_octets(imap, imap->in + imap->in_begin, length);
	imap->in_begin += length;
	imap->literal -= length;
	return true;
}

/* A message literal is announced (RFC 9051 6.3.12, RFC 7888). */
static void
begin_message(struct imap *imap)
{
	const struct imap_literal *literal = imap_parser_literal(imap->parser);

	imap->command = imap_parser_command(imap->parser);
	if (!imap_append_literal(imap, literal)) {
		imap_parser_reset(imap->parser);
		imap->command = NULL;
		return;
	}
	imap->command = NULL;
	imap->literal = literal->octets;
	if (literal->sync)
		imap_text(imap, "+ OK\r\n");
}

static void
complain(struct imap *imap)
{
	imap_append_free(imap);
	imap->idling = false;
	if (imap_parser_is_limit(imap->parser)) {
		imap_printf(imap, "%s NO [LIMIT] %s\r\n", imap_parser_tag(imap->parser),
			    imap_parser_error(imap->parser));
		return;
	}
	imap_printf(imap, "%s BAD %s\r\n", imap_parser_tag(imap->parser),
		    imap_parser_error(imap->parser));
	if (++imap->errors < ERRORS_MAX)
		return;
	imap_text(imap, "* BYE Too many errors\r\n");
	imap_finish(imap, "too many errors");
}

static void
end_fatally(struct imap *imap)
{
	imap_printf(imap, "* BYE %s\r\n", imap_parser_error(imap->parser));
	imap_finish(imap, "a literal too large");
}

static bool
take_step(struct imap *imap, enum imap_step step)
{
	switch (step) {
	case IMAP_STEP_MORE:
		return false;
	case IMAP_STEP_CONTINUE:
		imap_text(imap, "+ OK\r\n");
		break;
	case IMAP_STEP_MESSAGE:
		begin_message(imap);
		break;
	case IMAP_STEP_COMMAND:
		imap->errors = 0;
		imap->commands++;
		imap_execute(imap, imap_parser_command(imap->parser));
		break;
	case IMAP_STEP_BAD:
		complain(imap);
		break;
	case IMAP_STEP_FATAL:
		end_fatally(imap);
		break;
	}
	return true;
}

bool
imap_input_take(struct imap *imap)
{
	enum imap_step step;
	size_t used;

	if (imap->in_begin == imap->in_end) {
		if (!stream_has_more(&imap->stream) || imap_input_read(imap) <= 0)
			return false;
	}
	if (imap->state == IMAP_GREETING)
		return take_login_tag(imap);
	if (imap->literal > 0)
		return take_message(imap);
	imap_parser_set_room(imap->parser, imap_memory_left(imap));
	step = imap_parser_feed(imap->parser, imap->in + imap->in_begin,
				imap->in_end - imap->in_begin, &used);
	imap->in_begin += used;
	imap_account(imap);
	return take_step(imap, step);
}
