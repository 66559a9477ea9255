/* SPDX-License-Identifier: ISC */
#include "worker/session/store/insert.h"

#include <inttypes.h>

#include "worker/session/store/keywords.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"
#include "worker/session/store/summary.h"

static enum store_result
choose_uid(struct change *change, uint32_t wanted, uint32_t *uid, struct error *err)
{
	if (wanted != 0 && wanted < change->uidnext) {
		error_set(err, "UID %" PRIu32 " can't be given out: %" PRIu32 " is the next one",
			  wanted, change->uidnext);
		return STORE_REFUSED;
	}
	if (wanted == 0)
		return change_take_uid(change, uid, err);
	change->uidnext = wanted;
	return change_take_next(change, uid, err);
}

/* Without memory for it now it is made when it is asked for. */
static enum store_result
summarize(struct store *store, const struct insert *insert, struct error *err)
{
	enum store_result result = STORE_OK;
	struct mime_summary summary;
	bool true_one;

	if (summary_make(insert->file->id, insert->file->size, insert->internaldate, &summary,
			 &true_one, err) != STORE_OK)
		return STORE_OK;
	if (true_one)
		result = summary_keep(store, insert->message, &summary, err);
	mime_summary_free(&summary);
	return result;
}

enum store_result
insert_message(struct store *store, struct change *change, const struct insert *insert,
	       uint32_t *uid, struct error *err)
{
	const struct message_file *file = insert->file;
	char keywords[KEYWORDS_SIZE];
	enum store_result result = choose_uid(change, insert->uid, uid, err);

	if (result == STORE_OK)
		result =
		    keywords_spell(store, change->folder, insert->keywords, true, keywords, err);
	if (result == STORE_OK)
		result = sql_run(store, err,
				 "INSERT INTO messages (id, file, size, unterminated, internaldate)"
				 " VALUES (?1, ?2, ?3, ?4, ?5)",
				 SQL_INT(insert->message), SQL_TEXT(file->id), SQL_INT(file->size),
				 SQL_INT(file->unterminated), SQL_INT(insert->internaldate));
	if (result == STORE_OK)
		result = sql_run(store, err,
				 "INSERT INTO placements (folder, uid, message, flags, modseq,"
				 " keywords, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				 SQL_INT(change->folder), SQL_INT(*uid), SQL_INT(insert->message),
				 SQL_INT(insert->flags), SQL_INT(change->modseq),
				 keywords[0] == '\0' ? SQL_NONE : SQL_TEXT(keywords),
				 SQL_INT(insert->now));
	if (result == STORE_OK)
		result = summarize(store, insert, err);
	if (result == STORE_OK)
		change_add(change, insert->flags, file->size);
	return result;
}
