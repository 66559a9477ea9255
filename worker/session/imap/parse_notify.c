/* SPDX-License-Identifier: ISC */
/* NOTIFY (RFC 5465), and which folders something is about. */
#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool
lex_filter(struct imap_lexer *lex, struct imap_filter *filter)
{
	static const struct imap_word filters[] = {
	    {"SELECTED", IMAP_FILTER_SELECTED},
	    {"SELECTED-DELAYED", IMAP_FILTER_SELECTED_DELAYED},
	    {"INBOXES", IMAP_FILTER_INBOXES},
	    {"PERSONAL", IMAP_FILTER_PERSONAL},
	    {"SUBSCRIBED", IMAP_FILTER_SUBSCRIBED},
	    {"SUBTREE", IMAP_FILTER_SUBTREE},
	    {"SUBTREE-ONE", IMAP_FILTER_SUBTREE_ONE},
	    {"MAILBOXES", IMAP_FILTER_MAILBOXES},
	};
	unsigned kind;

	if (!lex_lookup(lex, filters, COUNT(filters), &kind,
			"which mailboxes, like selected, personal or mailboxes"))
		return false;
	filter->kind = (enum imap_filter_kind)kind;
	if (filter->kind < IMAP_FILTER_SUBTREE)
		return true;
	return lex_space(lex, "a mailbox name") &&
	       lex_mailboxes(lex, &filter->mailboxes, &filter->mailbox_count);
}

static const struct imap_word events[] = {
    {"MESSAGENEW", IMAP_EVENT_MESSAGE_NEW},
    {"MESSAGEEXPUNGE", IMAP_EVENT_MESSAGE_EXPUNGE},
    {"FLAGCHANGE", IMAP_EVENT_FLAG_CHANGE},
    {"MAILBOXNAME", IMAP_EVENT_MAILBOX_NAME},
    {"SUBSCRIPTIONCHANGE", IMAP_EVENT_SUBSCRIPTION_CHANGE},
    {"MAILBOXMETADATACHANGE", IMAP_EVENT_MAILBOX_METADATA_CHANGE},
    {"SERVERMETADATACHANGE", IMAP_EVENT_SERVER_METADATA_CHANGE},
};

static bool
event(struct imap_lexer *lex, struct imap_notify_group *group)
{
	struct imap_string name;
	unsigned bit = IMAP_EVENT_UNKNOWN;
	size_t i;

	if (!lex_word(lex, &name, "an event like MessageNew"))
		return false;
	for (i = 0; i < COUNT(events); i++) {
		if (lex_same(&name, events[i].name))
			bit = events[i].value;
	}
	group->events |= bit;
	if (bit != IMAP_EVENT_MESSAGE_NEW || !lex_take_list(lex))
		return true;
	lex->at--;
	lex->after = "MessageNew";
	group->fetch = lex_alloc(lex, sizeof(*group->fetch));
	return group->fetch != NULL && lex_fetch_items(lex, group->fetch, false);
}

/* RFC 5465 5: which events need which others, and for whom. */
static bool
check_group(struct imap_lexer *lex, const struct imap_notify_group *group)
{
	const unsigned both = IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE;
	const unsigned messages = both | IMAP_EVENT_FLAG_CHANGE;
	bool selected = group->filter.kind <= IMAP_FILTER_SELECTED_DELAYED;

	if ((group->events & both) != 0 && (group->events & both) != both)
		return lex_fail(lex, "MessageNew and MessageExpunge go together (RFC 5465 5)");
	if ((group->events & IMAP_EVENT_FLAG_CHANGE) != 0 && (group->events & both) != both)
		return lex_fail(lex, "FlagChange needs MessageNew and MessageExpunge (RFC 5465 5)");
	if (selected && (group->events & ~(messages | IMAP_EVENT_UNKNOWN)) != 0)
		return lex_fail(lex, "The selected mailbox has events of messages only "
				     "(RFC 5465 8)");
	if (!selected && group->fetch != NULL)
		return lex_fail(lex, "Data items are for the selected mailbox only (RFC 5465 5.2)");
	return true;
}

/* "(" filter-mailboxes SP events ")" */
static bool
event_group(struct imap_lexer *lex, struct imap_notify_group *group)
{
	bool more = true;

	if (!lex_open(lex, "which mailboxes") || !lex_filter(lex, &group->filter))
		return false;
	if (group->filter.kind == IMAP_FILTER_SUBTREE_ONE)
		return lex_fail(lex, "NOTIFY takes no subtree-one");
	if (!lex_space(lex, "events or NONE"))
		return false;
	if (!lex_take_word(lex, "NONE")) {
		if (!lex_open(lex, "events"))
			return false;
		while (more) {
			if (!event(lex, group) || !lex_more(lex, &more))
				return false;
		}
	}
	if (!lex_take(lex, ')'))
		return lex_expected(lex, "a closing parenthesis");
	return check_group(lex, group);
}

bool
imap_parse_notify(struct imap_lexer *lex, struct imap_command *command)
{
	struct imap_notify *notify = &command->notify;

	if (!lex_space(lex, "SET or NONE"))
		return false;
	if (lex_take_word(lex, "NONE"))
		return lex_end(lex);
	if (!lex_take_word(lex, "SET"))
		return lex_expected(lex, "SET or NONE");
	notify->set = true;
	lex->after = "SET";
	if (!lex_space(lex, "STATUS or event groups"))
		return false;
	if (lex_take_word(lex, "STATUS")) {
		notify->status = true;
		if (!lex_space(lex, "event groups"))
			return false;
	}
	do {
		struct imap_notify_group *all =
		    lex_grow(lex, notify->groups, notify->count, sizeof(*all));

		if (all == NULL)
			return false;
		notify->groups = all;
		if (!event_group(lex, &all[notify->count]))
			return false;
		notify->count++;
	} while (lex_take(lex, ' '));
	return lex_end(lex);
}
