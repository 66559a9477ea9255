/* SPDX-License-Identifier: ISC */
#include "worker/session/store/summary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/sql.h"

/* The texts, in the order in which they are kept, each with its NUL. */
#define TEXTS 11

static enum store_result
summarize(const char *bytes, size_t length, int64_t internaldate, struct mime_summary *summary,
	  struct error *err)
{
	struct mime_message message;
	int result;

	if (mime_parse(bytes, length, &message) == -1) {
		error_set(err, "no memory for a message's structure");
		return STORE_TEMPORARY;
	}
	result = mime_summarize(&message, internaldate, summary);
	mime_free(&message);
	if (result == 0)
		return STORE_OK;
	error_set(err, "no memory for a message's summary");
	return STORE_TEMPORARY;
}

/* NULL: it can't be read, or is not as long as it should be. */
static void *
map_file(const char *id, uint64_t size)
{
	int fd = message_file_open(id);
	void *map = MAP_FAILED;
	struct stat st;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size >= size && size <= SIZE_MAX)
		map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

enum store_result
summary_make(const char *id, uint64_t size, int64_t internaldate, struct mime_summary *summary,
	     bool *true_one, struct error *err)
{
	enum store_result result;
	void *map = size > 0 ? map_file(id, size) : NULL;

	*true_one = map != NULL || size == 0;
	if (map == NULL)
		return summarize("", 0, internaldate, summary, err);
	result = summarize(map, (size_t)size, internaldate, summary, err);
	munmap(map, (size_t)size);
	return result;
}

static void
put(char **at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(*at, text, size);
	*at += size;
}

enum store_result
summary_keep(struct store *store, int64_t message, const struct mime_summary *summary,
	     struct error *err)
{
	const char *const texts[TEXTS] = {
	    summary->envelope, summary->bodystructure, summary->preview,
	    summary->subject,  summary->from,          summary->to,
	    summary->cc,       summary->from_display,  summary->to_display,
	    summary->thread,   summary->kept,
	};
	enum store_result result;
	size_t size = 0;
	char *data, *at;

	for (size_t i = 0; i < TEXTS; i++)
		size += strlen(texts[i]) + 1;
	data = malloc(size);
	if (data == NULL) {
		error_errno(err, "summary");
		return STORE_TEMPORARY;
	}
	at = data;
	for (size_t i = 0; i < TEXTS; i++)
		put(&at, texts[i]);
	result = sql_run(store, err,
			 "INSERT OR REPLACE INTO summaries"
			 " (message, version, sent, sent_day, reply, data)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			 SQL_INT(message), SQL_INT(SUMMARY_VERSION), SQL_INT(summary->sent),
			 SQL_INT(summary->sent_day), SQL_INT(summary->reply), SQL_BLOB(data, size));
	free(data);
	return result;
}

void
summary_present(const struct mime_summary *from, struct store_summary *to)
{
	*to = (struct store_summary){
	    .envelope = from->envelope,
	    .envelope_length = from->envelope_length,
	    .bodystructure = from->bodystructure,
	    .bodystructure_length = from->bodystructure_length,
	    .preview = from->preview,
	    .subject = from->subject,
	    .from = from->from,
	    .to = from->to,
	    .cc = from->cc,
	    .from_display = from->from_display,
	    .to_display = from->to_display,
	    .thread = from->thread,
	    .kept = from->kept,
	    .sent = from->sent,
	    .sent_day = from->sent_day,
	    .reply = from->reply,
	};
}

/* What is not as it was put together counts as not there, and is made again. */
static bool
take_apart(const char *data, size_t size, const char *texts[TEXTS], size_t lengths[TEXTS])
{
	for (size_t i = 0; i < TEXTS; i++) {
		const char *end = size > 0 ? memchr(data, '\0', size) : NULL;

		if (end == NULL)
			return false;
		texts[i] = data;
		lengths[i] = (size_t)(end - data);
		size -= lengths[i] + 1;
		data = end + 1;
	}
	return size == 0;
}

bool
summary_from_row(sqlite3_stmt *stmt, int column, struct store_summary *summary)
{
	const char *data = sqlite3_column_blob(stmt, column), *texts[TEXTS];
	size_t lengths[TEXTS];

	if (data == NULL ||
	    !take_apart(data, (size_t)sqlite3_column_bytes(stmt, column), texts, lengths))
		return false;
	*summary = (struct store_summary){
	    .envelope = texts[0],
	    .envelope_length = lengths[0],
	    .bodystructure = texts[1],
	    .bodystructure_length = lengths[1],
	    .preview = texts[2],
	    .subject = texts[3],
	    .from = texts[4],
	    .to = texts[5],
	    .cc = texts[6],
	    .from_display = texts[7],
	    .to_display = texts[8],
	    .thread = texts[9],
	    .kept = texts[10],
	    .sent = sqlite3_column_int64(stmt, column + 1),
	    .sent_day = sqlite3_column_int64(stmt, column + 2),
	    .reply = sqlite3_column_int(stmt, column + 3) != 0,
	};
	return true;
}
