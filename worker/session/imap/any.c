/* SPDX-License-Identifier: ISC */
/* Commands that have to do with the connection: RFC 9051 6.1, ENABLE, IDLE, COMPRESS, ID. */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "worker/session/imap/commands.h"
#include "worker/session/imap/context.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* Each is whole, or it would not be here. */
const char imap_capabilities[] =
    "IMAP4rev2 IMAP4rev1 LITERAL+ IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN ENABLE ID BINARY"
    " CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS LIST-METADATA LIST-MYRIGHTS SPECIAL-USE"
    " CREATE-SPECIAL-USE STATUS=SIZE QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE METADATA"
    " METADATA-SERVER MULTIAPPEND CATENATE REPLACE APPENDLIMIT=" TEXT(
	IMAP_APPEND_LIMIT) " UTF8=ACCEPT"
			   " COMPRESS=DEFLATE OBJECTID SAVEDATE PREVIEW UIDONLY ESEARCH SEARCHRES "
			   "WITHIN SORT"
			   " SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES PARTIAL "
			   "INPROGRESS I18NLEVEL=1 MULTISEARCH CONTEXT=SEARCH CONTEXT=SORT NOTIFY";

void
imap_do_capability(struct imap *imap, const struct imap_command *command)
{
	(void)command;
	imap_printf(imap, "* CAPABILITY %s\r\n", imap_capabilities);
	imap_ok(imap, "These can be had");
}

/* NOOP, and CHECK: all that was acknowledged is on disk anyhow. */
void
imap_do_noop(struct imap *imap, const struct imap_command *command)
{
	imap_ok(imap, "%s done", imap_verb_name(command));
}

void
imap_do_logout(struct imap *imap, const struct imap_command *command)
{
	imap_text(imap, "* BYE Logging out\r\n");
	imap_tagged(imap, "OK", "%s done", imap_verb_name(command));
	imap_finish(imap, "logout");
}

/* RFC 2971: for the log, where it helps to find which client does something odd. */
void
imap_do_id(struct imap *imap, const struct imap_command *command)
{
	const struct imap_id *id = &command->id;
	const char *name = "", *version = "";

	for (size_t i = 0; i < id->count; i++) {
		if (id->values[i].bytes == NULL)
			continue;
		if (strcasecmp(id->fields[i].bytes, "name") == 0)
			name = id->values[i].bytes;
		else if (strcasecmp(id->fields[i].bytes, "version") == 0)
			version = id->values[i].bytes;
	}
	if (name[0] != '\0')
		log_event(LOG_INFO, "imap.client", KV_CONN(imap->options.conn),
			  KV_STR("user", imap->options.mailbox), KV_STR("name", name),
			  KV_STR("version", version));
	imap_text(imap, "* ID (\"name\" \"Postern\")\r\n");
	imap_ok(imap, "Hello");
}

void
imap_do_namespace(struct imap *imap, const struct imap_command *command)
{
	imap_text(imap, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	imap_ok(imap, "%s done", imap_verb_name(command));
}

/*
 * -- ENABLE (RFC 9051 6.3.1, RFC 5161) ----------------------------------------------
 */

static const struct {
	unsigned bit;
	const char *name;
} enables[] = {
    {IMAP_ENABLE_CONDSTORE, "CONDSTORE"}, {IMAP_ENABLE_QRESYNC, "QRESYNC"},
    {IMAP_ENABLE_UTF8, "UTF8=ACCEPT"},    {IMAP_ENABLE_REV2, "IMAP4rev2"},
    {IMAP_ENABLE_UIDONLY, "UIDONLY"},
};

void
imap_enable_condstore(struct imap *imap)
{
	if (imap_is_enabled(imap, IMAP_ENABLE_CONDSTORE))
		return;
	imap->enabled |= IMAP_ENABLE_CONDSTORE;
	if (imap->state == IMAP_SELECTED)
		imap_printf(imap, "* OK [HIGHESTMODSEQ %" PRIu64 "] CONDSTORE enabled\r\n",
			    imap->view.changes);
}

/*
 * RFC 9051 6.3.1, RFC 5161 3.1: clients are to do that before they select a mailbox, servers need
 * not check it. From the selected state on it counts for what comes next; nothing that was told
 * before becomes wrong by it.
 */
void
imap_do_enable(struct imap *imap, const struct imap_command *command)
{
	unsigned more = command->enable & ~imap->enabled;

	imap_text(imap, "* ENABLED");
	for (size_t i = 0; i < sizeof(enables) / sizeof(enables[0]); i++)
		if ((more & enables[i].bit) != 0)
			imap_printf(imap, " %s", enables[i].name);
	imap_text(imap, "\r\n");
	/* RFC 7162 3.2.3: QRESYNC is CONDSTORE too. */
	if ((more & (IMAP_ENABLE_QRESYNC | IMAP_ENABLE_CONDSTORE)) != 0)
		imap_enable_condstore(imap);
	imap->enabled |= more;
	if ((more & IMAP_ENABLE_UIDONLY) != 0)
		contexts_end_numbers(imap);
	if (imap_is_enabled(imap, IMAP_ENABLE_UTF8 | IMAP_ENABLE_REV2))
		imap_parser_set_utf8(imap->parser, true);
	imap_ok(imap, "%s done", imap_verb_name(command));
}

/*
 * -- IDLE (RFC 9051 6.3.13) -----------------------------------------------------------
 */

void
imap_do_idle(struct imap *imap, const struct imap_command *command)
{
	if (strlcpy(imap->tag, command->tag, sizeof(imap->tag)) >= sizeof(imap->tag)) {
		imap_tagged(imap, "BAD", "This tag is too long for IDLE");
		return;
	}
	imap_text(imap, "+ idling\r\n");
	imap->idling = true;
	imap_parser_idle(imap->parser);
	imap->changed = false;
	imap_sync(imap, true, NULL);
}

void
imap_do_idle_done(struct imap *imap, const struct imap_command *command)
{
	(void)command;
	imap->idling = false;
	imap_sync(imap, true, NULL);
	imap_printf(imap, "%s OK IDLE done\r\n", imap->tag);
}

/*
 * -- COMPRESS (RFC 4978) --------------------------------------------------------------
 */

void
imap_do_compress(struct imap *imap, const struct imap_command *command)
{
	if (strcasecmp(command->string, "DEFLATE") != 0) {
		imap_tagged(imap, "NO", "DEFLATE is the only compression there is");
	} else if (imap->stream.deflate != NULL) {
		imap_tagged(imap, "NO", "[COMPRESSIONACTIVE] This is compressed already");
	} else {
		imap_ok(imap, "Compressed from here on");
		if (stream_compress(&imap->stream, imap->in + imap->in_begin,
				    imap->in_end - imap->in_begin) == -1) {
			imap->broken = true;
			imap->why = "no memory to compress with";
		}
		imap->in_begin = imap->in_end = 0;
	}
}

void
imap_do_login(struct imap *imap, const struct imap_command *command)
{
	(void)command;
	imap_tagged(imap, "BAD", "You have logged in already");
}
