/* SPDX-License-Identifier: ISC */
/* What each command does (RFC 1939 5 to 7). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/pop3_lang.h"
#include "worker/session/pop3/pop3_private.h"

#define LISTING_PIECE 256 /* lines made at a time */

static void
do_stat(struct pop3 *p, const struct pop3_command *command)
{
	(void)command;
	pop3_say(p, "+OK %zu %" PRIu64, p->drop.left, p->drop.octets);
}

/* The message a command names; or the answer that there is none, and NULL. */
static const struct store_entry *
named(struct pop3 *p, const struct pop3_command *command)
{
	const struct store_entry *entry = maildrop_find(&p->drop, command->message);

	if (entry != NULL)
		return entry;
	if (command->message != 0 && command->message <= p->drop.count)
		pop3_say(p, "-ERR message %" PRIu32 " is deleted", command->message);
	else
		pop3_say(p, "-ERR no such message, there are %zu", p->drop.count);
	return NULL;
}

static void
do_list(struct pop3 *p, const struct pop3_command *command)
{
	const struct store_entry *entry;

	if (!command->has_message) {
		pop3_say(p, "+OK %zu messages (%" PRIu64 " octets)", p->drop.left, p->drop.octets);
		p->producer = POP3_PRODUCE_SCAN_LISTING;
		p->next = 0;
		return;
	}
	entry = named(p, command);
	if (entry != NULL)
		pop3_say(p, "+OK %" PRIu32 " %" PRIu64, command->message, maildrop_size(entry));
}

static void
do_uidl(struct pop3 *p, const struct pop3_command *command)
{
	const struct store_entry *entry;
	char unique_id[MAILDROP_UIDL_SIZE];

	if (!command->has_message) {
		pop3_say(p, "+OK");
		p->producer = POP3_PRODUCE_UNIQUE_IDS;
		p->next = 0;
		return;
	}
	entry = named(p, command);
	if (entry == NULL)
		return;
	maildrop_uidl(&p->drop, entry, unique_id);
	pop3_say(p, "+OK %" PRIu32 " %s", command->message, unique_id);
}

static void
refuse_message(struct pop3 *p, enum store_result result, const struct error *err)
{
	switch (result) {
	case STORE_GONE:
		pop3_say(p, "-ERR the message was removed by another client");
		return;
	case STORE_DAMAGED:
		pop3_say(p, "-ERR [SYS/PERM] the message can't be read");
		break;
	default:
		pop3_say(p, "-ERR [SYS/TEMP] the message can't be read now");
		break;
	}
	log_event(LOG_ERR, "message.unreadable", KV_CONN(p->options.conn),
		  KV_STR("user", p->options.mailbox), KV_STR("why", err->text));
}

/* Begins to send a message; NULL when that was answered with -ERR. */
static struct pop3_sending *
start_sending(struct pop3 *p, const struct store_entry *entry)
{
	struct pop3_sending *sending = malloc(sizeof(*sending));
	struct error err = {.text = "no memory"};
	enum store_result result = STORE_TEMPORARY;

	if (sending != NULL)
		result = store_body_open(p->drop.store, entry->message, &sending->body, &err);
	if (result != STORE_OK) {
		refuse_message(p, result, &err);
		free(sending);
		return NULL;
	}
	sending->offset = 0;
	sending->size = entry->size;
	p->sending = sending;
	p->producer = POP3_PRODUCE_MESSAGE;
	return sending;
}

void
pop3_stop_sending(struct pop3 *p)
{
	if (p->sending == NULL)
		return;
	store_body_close(p->sending->body);
	free(p->sending);
	p->sending = NULL;
}

static void
do_retr(struct pop3 *p, const struct pop3_command *command)
{
	const struct store_entry *entry = named(p, command);
	struct pop3_sending *sending;

	if (entry == NULL || (sending = start_sending(p, entry)) == NULL)
		return;
	dot_stuff_start(&sending->stuffer);
	pop3_say(p, "+OK %" PRIu64 " octets", maildrop_size(entry));
	p->retrieved++;
}

static void
do_top(struct pop3 *p, const struct pop3_command *command)
{
	const struct store_entry *entry = named(p, command);
	struct pop3_sending *sending;

	if (entry == NULL || (sending = start_sending(p, entry)) == NULL)
		return;
	dot_stuff_start_top(&sending->stuffer, command->lines);
	pop3_say(p, "+OK");
}

static void
do_dele(struct pop3 *p, const struct pop3_command *command)
{
	if (named(p, command) == NULL)
		return;
	if (maildrop_mark(&p->drop, command->message) == -1)
		pop3_say(p, "-ERR [SYS/TEMP] no memory");
	else
		pop3_say(p, "+OK message %" PRIu32 " deleted", command->message);
}

static void
do_noop(struct pop3 *p, const struct pop3_command *command)
{
	(void)command;
	pop3_say(p, "+OK");
}

static void
do_rset(struct pop3 *p, const struct pop3_command *command)
{
	(void)command;
	maildrop_unmark_all(&p->drop);
	pop3_say(p, "+OK %zu messages (%" PRIu64 " octets)", p->drop.left, p->drop.octets);
}

/* The UPDATE state (RFC 1939 6). The answer comes after the disk has it. */
static void
do_quit(struct pop3 *p, const struct pop3_command *command)
{
	size_t marked = p->drop.count - p->drop.left;
	struct error err;

	(void)command;
	if (maildrop_commit(&p->drop, &err) != STORE_OK) {
		log_event(LOG_ERR, "pop3.update_failed", KV_CONN(p->options.conn),
			  KV_STR("user", p->options.mailbox), KV_STR("why", err.text));
		pop3_say(p, "-ERR [SYS/TEMP] some deleted messages not removed");
		pop3_finish(p, "quit, and the messages could not be removed");
		return;
	}
	p->removed = (uint32_t)marked;
	if (marked == 0)
		pop3_say(p, "+OK bye");
	else
		pop3_say(p, "+OK bye (%zu messages deleted)", marked);
	pop3_finish(p, "quit");
}

/* RFC 2449 5: those of the AUTHORIZATION state are told here, too. */
static void
do_capa(struct pop3 *p, const struct pop3_command *command)
{
	static const char *const capabilities[] = {
	    "TOP",
	    "UIDL",
	    "USER",
	    "SASL PLAIN",
	    "RESP-CODES",
	    "AUTH-RESP-CODE",
	    "PIPELINING",
	    "EXPIRE NEVER",
	    "UTF8 USER",
	    "LANG",
	    "IMPLEMENTATION Postern",
	};

	(void)command;
	pop3_say(p, "+OK");
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		pop3_say(p, "%s", capabilities[i]);
	pop3_say(p, ".");
}

static void
do_lang_list(struct pop3 *p, const struct pop3_command *command)
{
	(void)command;
	pop3_say(p, "%s", POP3_LANG_LISTED);
}

static void
do_lang_set(struct pop3 *p, const struct pop3_command *command)
{
	(void)command;
	pop3_say(p, "%s", POP3_LANG_CHOSEN);
}

static void
do_login(struct pop3 *p, const struct pop3_command *command)
{
	(void)command;
	pop3_say(p, "-ERR you are logged in");
}

typedef void command_fn(struct pop3 *, const struct pop3_command *);

static command_fn *const commands[POP3_VERB_COUNT] = {
    [POP3_STAT] = do_stat,         [POP3_LIST] = do_list,   [POP3_RETR] = do_retr,
    [POP3_DELE] = do_dele,         [POP3_NOOP] = do_noop,   [POP3_RSET] = do_rset,
    [POP3_QUIT] = do_quit,         [POP3_TOP] = do_top,     [POP3_UIDL] = do_uidl,
    [POP3_CAPA] = do_capa,         [POP3_LOGIN] = do_login, [POP3_LANG_LIST] = do_lang_list,
    [POP3_LANG_SET] = do_lang_set,
};

void
pop3_execute(struct pop3 *p, const struct pop3_command *command)
{
	commands[command->verb](p, command);
}

/*
 * -- Multi-line responses, piece by piece -----------------------------------------
 */

static void
produce_listing(struct pop3 *p)
{
	char unique_id[MAILDROP_UIDL_SIZE];

	for (size_t lines = 0; lines < LISTING_PIECE; lines++) {
		const struct store_entry *entry;

		if (p->next == p->drop.count) {
			pop3_say(p, ".");
			p->producer = POP3_PRODUCE_NOTHING;
			return;
		}
		entry = maildrop_find(&p->drop, (uint32_t)++p->next);
		if (entry == NULL)
			continue;
		if (p->producer == POP3_PRODUCE_SCAN_LISTING) {
			pop3_say(p, "%zu %" PRIu64, p->next, maildrop_size(entry));
			continue;
		}
		maildrop_uidl(&p->drop, entry, unique_id);
		pop3_say(p, "%zu %s", p->next, unique_id);
	}
}

static void
end_message(struct pop3 *p)
{
	char end[DOT_STUFF_END_MAX];
	size_t length = dot_stuff_end(&p->sending->stuffer, end);

	evbuffer_add(p->out, end, length);
	p->producer = POP3_PRODUCE_NOTHING;
	pop3_stop_sending(p);
}

/*
 * A message that can't be read to its end can't be ended: the dot would make half a message look
 * whole, and the client might delete it then.
 */
static void
give_up(struct pop3 *p, const char *why)
{
	log_event(LOG_ERR, "message.unreadable", KV_CONN(p->options.conn),
		  KV_STR("user", p->options.mailbox), KV_STR("why", why));
	p->producer = POP3_PRODUCE_NOTHING;
	pop3_stop_sending(p);
	pop3_finish(p, "a message could not be read");
}

static void
produce_message(struct pop3 *p)
{
	struct pop3_sending *s = p->sending;
	bool enough = false;
	struct error err;
	size_t length;
	ssize_t n;

	if (s->offset == s->size) {
		end_message(p);
		return;
	}
	length = s->size - s->offset < POP3_PIECE ? (size_t)(s->size - s->offset) : POP3_PIECE;
	n = store_body_read(s->body, s->offset, s->in, length, &err);
	if (n <= 0) {
		give_up(p, n == 0 ? "the message is shorter than the index says" : err.text);
		return;
	}
	s->offset += (uint64_t)n;
	length = dot_stuff(&s->stuffer, s->in, (size_t)n, s->out, &enough);
	evbuffer_add(p->out, s->out, length);
	if (enough)
		end_message(p);
}

void
pop3_produce(struct pop3 *p)
{
	if (p->producer == POP3_PRODUCE_MESSAGE)
		produce_message(p);
	else
		produce_listing(p);
}
