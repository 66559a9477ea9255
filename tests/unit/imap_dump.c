/* SPDX-License-Identifier: ISC */
#include "tests/unit/imap_dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char *at;
	size_t room;
};

static void put(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->at, text->room, format, arguments);
	va_end(arguments);
	if (n >= 0 && (size_t)n < text->room) {
		text->at += n;
		text->room -= (size_t)n;
	} else
		text->room = 0;
}

static void
put_number(struct text *text, uint32_t n)
{
	if (n == IMAP_STAR)
		put(text, "*");
	else
		put(text, "%" PRIu32, n);
}

static void
put_set(struct text *text, const struct imap_set *set)
{
	size_t i;

	put(text, set->saved ? " $" : " ");
	for (i = 0; i < set->count; i++) {
		put(text, i == 0 ? "" : ",");
		put_number(text, set->ranges[i].first);
		if (set->ranges[i].last != set->ranges[i].first) {
			put(text, ":");
			put_number(text, set->ranges[i].last);
		}
	}
}

static void
put_string(struct text *text, const struct imap_string *string)
{
	if (string->bytes == NULL)
		put(text, " NIL");
	else if (strlen(string->bytes) == string->length)
		put(text, " '%s'", string->bytes);
	else
		put(text, " (%zu octets)", string->length);
}

static void
put_partial(struct text *text, const struct imap_partial *partial)
{
	const char *sign = partial->from_end ? "-" : "";

	if (partial->given)
		put(text, " partial=%s%u:%s%u", sign, partial->first, sign, partial->last);
}

static void
put_flags(struct text *text, const struct imap_flags *flags)
{
	put(text, " flags=%u[%s]", flags->flags, flags->keywords);
}

static void
put_items(struct text *text, const struct imap_fetch_items *items)
{
	size_t i;

	put(text, " items=%u", items->items);
	for (i = 0; i < items->section_count; i++) {
		const struct imap_section *section = &items->sections[i];

		put(text, " %s%s", section->label, section->peek ? "!" : "");
		if (section->has_partial)
			put(text, "+%" PRIu64, section->count);
	}
}

static void
put_node(struct text *text, const struct imap_search_node *node)
{
	static const char *const names[] = {
	    "all",      "and",       "or",          "numbers", "uid",        "flag",
	    "keyword",  "recent",    "before",      "on",      "since",      "sentbefore",
	    "senton",   "sentsince", "savedbefore", "savedon", "savedsince", "savedate",
	    "larger",   "smaller",   "older",       "younger", "modseq",     "emailid",
	    "threadid", "header",    "from",        "to",      "cc",         "bcc",
	    "subject",  "body",      "text",
	};
	const struct imap_search_node *child;

	put(text, " %s%s", node->negated ? "!" : "", names[node->key]);
	if (node->key == IMAP_KEY_FLAG)
		put(text, "=%u", node->flag);
	if (node->key == IMAP_KEY_NUMBERS || node->key == IMAP_KEY_UID)
		put_set(text, &node->set);
	if (node->key >= IMAP_KEY_BEFORE && node->key <= IMAP_KEY_SAVEDSINCE)
		put(text, "=%" PRId64, node->day);
	if (node->key >= IMAP_KEY_LARGER && node->key <= IMAP_KEY_MODSEQ)
		put(text, "=%" PRIu64, node->number);
	if (node->field != NULL)
		put(text, "=%s", node->field);
	if (node->text.bytes != NULL)
		put_string(text, &node->text);
	if (node->children == NULL)
		return;
	put(text, "(");
	for (child = node->children; child != NULL; child = child->next)
		put_node(text, child);
	put(text, ")");
}

static void
put_filter(struct text *text, const struct imap_filter *filter)
{
	size_t i;

	put(text, " filter=%d", (int)filter->kind);
	for (i = 0; i < filter->mailbox_count; i++)
		put(text, " <%s>", filter->mailboxes[i]);
}

static void
put_search(struct text *text, const struct imap_search *search)
{
	size_t i;

	if (search->has_return)
		put(text, " return=%u", search->give);
	put_partial(text, &search->partial);
	if (search->update_fetch != NULL)
		put_items(text, search->update_fetch);
	if (search->charset != NULL)
		put(text, " charset=%s", search->charset);
	for (i = 0; i < search->source_count; i++)
		put_filter(text, &search->sources[i]);
	for (i = 0; i < search->sort_count; i++)
		put(text, " by%s%d", search->sort[i].reverse ? "-" : "+", (int)search->sort[i].key);
	put_node(text, search->program);
}

static void
put_append(struct text *text, const struct imap_command *command)
{
	const struct imap_append_message *message;
	const struct imap_cat_part *part;

	if (command->verb == IMAP_REPLACE)
		put_number(text, command->append.replaces);
	put(text, " <%s> %zu", command->append.mailbox, command->append.message_count);
	for (message = command->append.messages; message != NULL; message = message->next) {
		put(text, " data=%d/%" PRIu64, (int)message->data, message->octets);
		put_flags(text, &message->flags);
		if (message->has_date)
			put(text, " date=%" PRId64, message->date);
		if (message->uid != 0)
			put(text, " uid=%" PRIu32, message->uid);
		for (part = message->parts; part != NULL; part = part->next) {
			put(text, " part=%d/%" PRIu64, (int)part->data, part->octets);
			if (part->data == IMAP_DATA_URL)
				put_string(text, &part->url);
		}
	}
}

static void
put_select(struct text *text, const struct imap_select *select)
{
	put(text, " <%s>%s", select->mailbox, select->condstore ? " condstore" : "");
	if (!select->qresync)
		return;
	put(text, " qresync %u %" PRIu64, select->uidvalidity, select->modseq);
	if (select->has_known_uids)
		put_set(text, &select->known_uids);
	if (select->has_match) {
		put_set(text, &select->match_numbers);
		put_set(text, &select->match_uids);
	}
}

static void
put_strings(struct text *text, const struct imap_strings *strings)
{
	size_t i;

	for (i = 0; i < strings->count; i++)
		put_string(text, &strings->list[i]);
}

static void
put_list(struct text *text, const struct imap_list *list)
{
	size_t i;

	put(text, " select=%u give=%u%s <%s>", list->select, list->give,
	    list->extended ? " extended" : "", list->reference);
	for (i = 0; i < list->pattern_count; i++)
		put(text, " <%s>", list->patterns[i]);
	if (list->status_items != 0)
		put(text, " status=%u", list->status_items);
	put_strings(text, &list->metadata);
}

static void
put_metadata(struct text *text, const struct imap_command *command)
{
	const struct imap_getmetadata *get = &command->getmetadata;
	const struct imap_setmetadata *set = &command->setmetadata;
	size_t i;

	if (command->verb == IMAP_GETMETADATA) {
		put(text, " <%s> depth=%u", get->mailbox, get->depth);
		if (get->has_max_size)
			put(text, " max=%" PRIu64, get->max_size);
		put_strings(text, &get->entries);
		return;
	}
	put(text, " <%s>", set->mailbox);
	for (i = 0; i < set->entries.count; i++) {
		put_string(text, &set->entries.list[i]);
		put_string(text, &set->values[i]);
	}
}

static void
put_notify(struct text *text, const struct imap_notify *notify)
{
	size_t i;

	put(text, "%s%s", notify->set ? " set" : " none", notify->status ? " status" : "");
	for (i = 0; i < notify->count; i++) {
		put_filter(text, &notify->groups[i].filter);
		put(text, " events=%u", notify->groups[i].events);
		if (notify->groups[i].fetch != NULL)
			put_items(text, notify->groups[i].fetch);
	}
}

static void
put_fetch(struct text *text, const struct imap_fetch *fetch)
{
	put_set(text, &fetch->set);
	put_items(text, &fetch->what);
	if (fetch->has_changed_since)
		put(text, " since=%" PRIu64, fetch->changed_since);
	put(text, "%s", fetch->vanished ? " vanished" : "");
	put_partial(text, &fetch->partial);
}

static void
put_store(struct text *text, const struct imap_store *store)
{
	put_set(text, &store->set);
	put(text, " how=%d%s", (int)store->how, store->silent ? " silent" : "");
	put_flags(text, &store->flags);
	if (store->unchanged_since != UINT64_MAX)
		put(text, " unchanged=%" PRIu64, store->unchanged_since);
}

static void
put_id(struct text *text, const struct imap_id *id)
{
	size_t i;

	for (i = 0; i < id->count; i++) {
		put_string(text, &id->fields[i]);
		put_string(text, &id->values[i]);
	}
}

static void
put_quota(struct text *text, const struct imap_setquota *quota)
{
	size_t i;

	put(text, " <%s>", quota->root);
	for (i = 0; i < quota->count; i++)
		put(text, " %s=%" PRIu64, quota->limits[i].resource, quota->limits[i].limit);
}

static void
put_arguments(struct text *text, const struct imap_command *command)
{
	switch (command->verb) {
	case IMAP_ID:
		put_id(text, &command->id);
		break;
	case IMAP_ENABLE:
		put(text, " %u", command->enable);
		break;
	case IMAP_SELECT:
	case IMAP_EXAMINE:
		put_select(text, &command->select);
		break;
	case IMAP_CREATE:
		put(text, " <%s> use=%u", command->create.mailbox, command->create.use);
		if (command->create.unknown_use != NULL)
			put(text, " unknown=%s", command->create.unknown_use);
		break;
	case IMAP_RENAME:
		put(text, " <%s> <%s>", command->rename.from, command->rename.to);
		break;
	case IMAP_DELETE:
	case IMAP_SUBSCRIBE:
	case IMAP_UNSUBSCRIBE:
	case IMAP_GETQUOTAROOT:
	case IMAP_MYRIGHTS:
		put(text, " <%s>", command->mailbox);
		break;
	case IMAP_GETQUOTA:
	case IMAP_COMPRESS:
		put(text, " %s", command->string);
		break;
	case IMAP_LIST:
	case IMAP_LSUB:
		put_list(text, &command->list);
		break;
	case IMAP_STATUS:
		put(text, " <%s> items=%u", command->status.mailbox, command->status.items);
		break;
	case IMAP_APPEND:
	case IMAP_REPLACE:
		put_append(text, command);
		break;
	case IMAP_EXPUNGE:
		if (command->uid)
			put_set(text, &command->set);
		break;
	case IMAP_SEARCH:
	case IMAP_ESEARCH:
	case IMAP_SORT:
	case IMAP_THREAD:
		put_search(text, &command->search);
		break;
	case IMAP_CANCELUPDATE:
		put_strings(text, &command->strings);
		break;
	case IMAP_FETCH:
		put_fetch(text, &command->fetch);
		break;
	case IMAP_STORE:
		put_store(text, &command->store);
		break;
	case IMAP_COPY:
	case IMAP_MOVE:
		put_set(text, &command->copy.set);
		put(text, " <%s>", command->copy.mailbox);
		break;
	case IMAP_SETQUOTA:
		put_quota(text, &command->setquota);
		break;
	case IMAP_GETMETADATA:
	case IMAP_SETMETADATA:
		put_metadata(text, command);
		break;
	case IMAP_UIDS:
		put(text, " <%s> %" PRIu32 " %" PRIu32 "%s", command->uids.mailbox,
		    command->uids.uidvalidity, command->uids.uidnext,
		    command->uids.done ? " done" : "");
		break;
	case IMAP_NOTIFY:
		put_notify(text, &command->notify);
		break;
	default:
		break;
	}
}

void
imap_dump(const struct imap_command *command, char *buffer, size_t size)
{
	struct text text = {buffer, size};

	put(&text, "%s %s", command->tag, imap_verb_name(command));
	put_arguments(&text, command);
}
