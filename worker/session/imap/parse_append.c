/* SPDX-License-Identifier: ISC */
/* APPEND (RFC 9051 6.3.12, RFC 3502, 4469, 6855) and REPLACE (RFC 8508), message by message. */
#include "worker/session/imap/parse_private.h"

bool
imap_parse_append(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_append *append = &command->append;

	if (command->verb == IMAP_REPLACE) {
		static const char what[] = "a number";

		if (!lex_space(lex, what) || !lex_seq_number(lex, &append->replaces, what))
			return false;
	}
	return lex_space(lex, "a mailbox name") &&
	       lex_mailbox(lex, &append->mailbox, "a mailbox name") &&
	       (lex_is(lex, ' ') || lex_expected(lex, "flags, a date or a message's literal"));
}

/* The literal's announcement, which is the last of what has come. */
static bool
message_literal(struct imap_lexer *lex, struct imap_literal *out, enum imap_data *data)
{
	struct imap_announced announced;
	const char *behind;

	if (!lex_announcement(lex->at, lex->end, &announced, &behind) || behind != lex->end)
		return lex_expected(lex, "a message's literal");
	if (announced.overflow)
		return lex_fail(lex, "A literal after %s of more than 2^63 - 1 octets", lex->after);
	if (announced.literal8 && *data == IMAP_DATA_LITERAL)
		*data = IMAP_DATA_LITERAL8;
	if (!announced.literal8 && *data == IMAP_DATA_UTF8)
		return lex_fail(lex, "UTF8 takes a literal8, ~{...} (RFC 6855 4)");
	lex->at = behind;
	out->octets = announced.octets;
	out->sync = announced.sync;
	return true;
}

/* utf8-literal = "UTF8" SP "(" literal8 ")", behind UTF8. */
static bool
utf8_literal(struct imap_lexer *lex, struct imap_literal *out, enum imap_data *data)
{
	lex->after = "UTF8";
	*data = IMAP_DATA_UTF8;
	return lex_space(lex, "a literal8") && lex_open(lex, "a literal8") &&
	       message_literal(lex, out, data);
}

static struct imap_cat_part *
add_part(struct imap_lexer *lex, struct imap_literal *literal)
{
	struct imap_cat_part *part = lex_alloc(lex, sizeof(*part));

	if (part == NULL)
		return NULL;
	if (literal->part != NULL)
		literal->part->next = part;
	else
		literal->message->parts = part;
	literal->part = part;
	return part;
}

static bool
text_part(struct imap_lexer *lex, struct imap_literal *literal, enum imap_append_state *state,
	  bool utf8)
{
	struct imap_cat_part *part = add_part(lex, literal);

	*state = utf8 ? IMAP_APPEND_CAT_UTF8 : IMAP_APPEND_CAT;
	if (part == NULL)
		return false;
	if (utf8) {
		if (!utf8_literal(lex, literal, &part->data))
			return false;
	} else {
		lex->after = "TEXT";
		if (!lex_space(lex, "a literal") || !message_literal(lex, literal, &part->data))
			return false;
	}
	part->octets = literal->octets;
	return true;
}

static bool
url_part(struct imap_lexer *lex, struct imap_literal *literal)
{
	struct imap_string url;
	struct imap_cat_part *part;

	if (!lex_take_word(lex, "URL"))
		return lex_expected(lex, "TEXT, URL or UTF8");
	lex->after = "URL";
	if (!lex_space(lex, "a URL") || !lex_astring(lex, &url, "a URL") ||
	    (part = add_part(lex, literal)) == NULL)
		return false;
	part->data = IMAP_DATA_URL;
	part->url = url;
	return true;
}

/*
 * Parts up to one that is a literal or the closing parenthesis. LITERAL->part is the part before,
 * and stays the last one.
 */
static bool
cat_parts(struct imap_lexer *lex, struct imap_literal *literal, enum imap_append_state *state,
	  bool *closed)
{
	bool more = true;

	*closed = false;
	while (more) {
		if (lex_take_word(lex, "TEXT"))
			return text_part(lex, literal, state, false);
		if (lex_take_word(lex, "UTF8"))
			return text_part(lex, literal, state, true);
		if (!url_part(lex, literal))
			return false;
		*state = IMAP_APPEND_CAT;
		lex->safe = lex->at;
		if (!lex_more(lex, &more))
			return false;
	}
	*closed = true;
	return true;
}

static struct imap_append_message *
add_message(struct imap_lexer *lex, struct imap_append *append, struct imap_literal *literal)
{
	struct imap_append_message *message = lex_alloc(lex, sizeof(*message));

	if (message == NULL)
		return NULL;
	message->flags.keywords = "";
	if (literal->message != NULL)
		literal->message->next = message;
	else
		append->messages = message;
	literal->message = message;
	literal->part = NULL;
	append->message_count++;
	return message;
}

/* SP append-opts SP append-data; *CLOSED: it was made of URLs alone and is over. */
static bool
one_message(struct imap_lexer *lex, struct imap_command *command, enum imap_append_state *state,
	    struct imap_literal *literal, bool *closed)
{
	struct imap_append_message *message = add_message(lex, &command->append, literal);
	static const char data[] = "a message's literal";

	*closed = false;
	*state = IMAP_APPEND_MESSAGE;
	if (message == NULL || !lex_space(lex, data))
		return false;
	if (lex_is(lex, '(')) {
		if (!lex_flags(lex, &message->flags) || !lex_space(lex, data))
			return false;
		lex->after = "the flags";
	}
	if (lex_is(lex, '"')) {
		message->has_date = true;
		if (!lex_date_time(lex, &message->date) || !lex_space(lex, data))
			return false;
		lex->after = "the date";
	}
	if (lex->administrator && lex_take_word(lex, "UID")) {
		lex->after = "UID";
		if (!lex_space(lex, "a number") ||
		    !lex_number32(lex, 1, &message->uid, "a number") || !lex_space(lex, data))
			return false;
	}
	if (lex_take_word(lex, "CATENATE")) {
		lex->after = "CATENATE";
		message->data = IMAP_DATA_CATENATE;
		if (!lex_space(lex, "parts") || !lex_open(lex, "parts"))
			return false;
		*state = IMAP_APPEND_CAT_FIRST;
		lex->safe = lex->at;
		return cat_parts(lex, literal, state, closed);
	}
	if (lex_take_word(lex, "UTF8")) {
		*state = IMAP_APPEND_UTF8;
		if (!utf8_literal(lex, literal, &message->data))
			return false;
	} else if (!message_literal(lex, literal, &message->data))
		return false;
	message->octets = literal->octets;
	return true;
}

/* What must follow the last literal before another message or the end can come. */
static bool
close_message(struct imap_lexer *lex, enum imap_append_state *state, struct imap_literal *literal,
	      bool *closed)
{
	bool more;

	*closed = true;
	if (*state == IMAP_APPEND_MESSAGE)
		return true;
	lex->safe = lex->at;
	if (*state == IMAP_APPEND_CAT_FIRST)
		return cat_parts(lex, literal, state, closed);
	lex->after = "the literal";
	if (*state != IMAP_APPEND_CAT && !lex_take(lex, ')'))
		return lex_expected(lex, "a closing parenthesis");
	if (*state == IMAP_APPEND_UTF8)
		return true;
	if (!lex_more(lex, &more))
		return false;
	return !more || cat_parts(lex, literal, state, closed);
}

bool
imap_parse_messages(struct imap_lexer *lex, struct imap_command *command,
		    enum imap_append_state *state, struct imap_literal *literal, bool *done)
{
	bool closed;

	*done = false;
	if (!close_message(lex, state, literal, &closed))
		return false;
	while (closed) {
		*state = IMAP_APPEND_MESSAGE;
		lex->after = command->append.message_count > 0 ? "the message" : "the mailbox name";
		if (command->append.message_count > 0 &&
		    (command->verb == IMAP_REPLACE || !lex_is(lex, ' '))) {
			*done = true;
			return lex_end(lex);
		}
		if (!one_message(lex, command, state, literal, &closed))
			return false;
	}
	return true;
}
