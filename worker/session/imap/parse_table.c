/* SPDX-License-Identifier: ISC */
/* The table of commands. */
#include <stdio.h>
#include <string.h>

#include "worker/session/imap/parse_private.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct imap_grammar table[] = {
    {"APPEND", IMAP_APPEND, false, imap_parse_append},
    {"AUTHENTICATE", IMAP_LOGIN, false, imap_parse_anything},
    {"CANCELUPDATE", IMAP_CANCELUPDATE, false, imap_parse_cancelupdate},
    {"CAPABILITY", IMAP_CAPABILITY, false, imap_parse_none},
    {"CHECK", IMAP_CHECK, false, imap_parse_none},
    {"CLOSE", IMAP_CLOSE, false, imap_parse_none},
    {"COMPRESS", IMAP_COMPRESS, false, imap_parse_word},
    {"COPY", IMAP_COPY, true, imap_parse_copy},
    {"CREATE", IMAP_CREATE, false, imap_parse_create},
    {"DELETE", IMAP_DELETE, false, imap_parse_mailbox},
    {"DELETEACL", IMAP_ACL, false, imap_parse_anything},
    {"ENABLE", IMAP_ENABLE, false, imap_parse_enable},
    {"ESEARCH", IMAP_ESEARCH, false, imap_parse_esearch},
    {"EXAMINE", IMAP_EXAMINE, false, imap_parse_select},
    {"EXPUNGE", IMAP_EXPUNGE, true, imap_parse_expunge},
    {"FETCH", IMAP_FETCH, true, imap_parse_fetch},
    {"GETACL", IMAP_ACL, false, imap_parse_anything},
    {"GETMETADATA", IMAP_GETMETADATA, false, imap_parse_getmetadata},
    {"GETQUOTA", IMAP_GETQUOTA, false, imap_parse_root},
    {"GETQUOTAROOT", IMAP_GETQUOTAROOT, false, imap_parse_mailbox},
    {"ID", IMAP_ID, false, imap_parse_id},
    {"IDLE", IMAP_IDLE, false, imap_parse_none},
    {"LIST", IMAP_LIST, false, imap_parse_list},
    {"LISTRIGHTS", IMAP_ACL, false, imap_parse_anything},
    {"LOGIN", IMAP_LOGIN, false, imap_parse_anything},
    {"LOGOUT", IMAP_LOGOUT, false, imap_parse_none},
    {"LSUB", IMAP_LSUB, false, imap_parse_lsub},
    {"MOVE", IMAP_MOVE, true, imap_parse_copy},
    {"MYRIGHTS", IMAP_MYRIGHTS, false, imap_parse_mailbox},
    {"NAMESPACE", IMAP_NAMESPACE, false, imap_parse_none},
    {"NOOP", IMAP_NOOP, false, imap_parse_none},
    {"NOTIFY", IMAP_NOTIFY, false, imap_parse_notify},
    {"RENAME", IMAP_RENAME, false, imap_parse_rename},
    {"REPLACE", IMAP_REPLACE, true, imap_parse_append},
    {"SEARCH", IMAP_SEARCH, true, imap_parse_search},
    {"SELECT", IMAP_SELECT, false, imap_parse_select},
    {"SETACL", IMAP_ACL, false, imap_parse_anything},
    {"SETMETADATA", IMAP_SETMETADATA, false, imap_parse_setmetadata},
    {"SETQUOTA", IMAP_SETQUOTA, false, imap_parse_setquota},
    {"SORT", IMAP_SORT, true, imap_parse_sort},
    {"STARTTLS", IMAP_LOGIN, false, imap_parse_anything},
    {"STATUS", IMAP_STATUS, false, imap_parse_status},
    {"STORE", IMAP_STORE, true, imap_parse_store},
    {"SUBSCRIBE", IMAP_SUBSCRIBE, false, imap_parse_mailbox},
    {"THREAD", IMAP_THREAD, true, imap_parse_thread},
    {"UNSELECT", IMAP_UNSELECT, false, imap_parse_none},
    {"UNSUBSCRIBE", IMAP_UNSUBSCRIBE, false, imap_parse_mailbox},
    {"XUIDS", IMAP_UIDS, false, imap_parse_uids},
};

/* As they are said, for those whose UID has to be said too. */
static const char *const with_uid[IMAP_VERB_COUNT] = {
    [IMAP_COPY] = "UID COPY", [IMAP_EXPUNGE] = "UID EXPUNGE", [IMAP_FETCH] = "UID FETCH",
    [IMAP_MOVE] = "UID MOVE", [IMAP_REPLACE] = "UID REPLACE", [IMAP_SEARCH] = "UID SEARCH",
    [IMAP_SORT] = "UID SORT", [IMAP_STORE] = "UID STORE",     [IMAP_THREAD] = "UID THREAD",
};

const char *
imap_verb_name(const struct imap_command *command)
{
	size_t i;

	if (command->uid && with_uid[command->verb] != NULL)
		return with_uid[command->verb];
	for (i = 0; i < COUNT(table); i++) {
		if (table[i].verb == command->verb)
			return table[i].name;
	}
	return "DONE";
}

static const struct imap_grammar *
find(const struct imap_lexer *lex, const struct imap_string *name, bool uid)
{
	size_t i;

	for (i = 0; i < COUNT(table); i++) {
		/* To all others there is no such command. */
		if (table[i].verb == IMAP_UIDS && !lex->administrator)
			continue;
		if ((!uid || table[i].with_uid) && lex_same(name, table[i].name))
			return &table[i];
	}
	return NULL;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static bool
tag(struct imap_lexer *lex, struct imap_command *command)
{
	const char *begin = lex->at;
	char *copy;
	size_t length;

	while (lex->at<lex->end && * lex->at> ' ' && *lex->at < 0x7f &&
	       strchr("(){%*\"\\+", *lex->at) == NULL)
		lex->at++;
	length = (size_t)(lex->at - begin);
	if (length == 0 || length > IMAP_TAG_MAX || !lex_is(lex, ' ')) {
		lex->at = begin;
		return lex_fail(lex, "Expected a tag of at most %d octets, a space and a command",
				IMAP_TAG_MAX);
	}
	if ((copy = lex_alloc(lex, length + 1)) == NULL)
		return false;
	command->tag = memcpy(copy, begin, length);
	lex->at++;
	return true;
}

bool
imap_parse_start(struct imap_lexer *lex, struct imap_command *command,
		 const struct imap_grammar **grammar)
{
	struct imap_string name;
	const char *begin;

	*grammar = NULL;
	lex->after = "the beginning";
	if (!tag(lex, command))
		return false;
	lex->after = "the tag";
	command->uid = lex_take_word(lex, "UID");
	if (command->uid) {
		lex->after = "UID";
		if (!lex_space(lex, "a command"))
			return false;
	}
	begin = lex->at;
	if (!lex_word(lex, &name, "a command"))
		return false;
	if ((*grammar = find(lex, &name, command->uid)) == NULL) {
		lex->at = begin;
		return lex_expected(lex, "a command");
	}
	command->verb = (*grammar)->verb;
	lex->after = imap_verb_name(command);
	if (!command->uid)
		lex->after = (*grammar)->name;
	return true;
}
