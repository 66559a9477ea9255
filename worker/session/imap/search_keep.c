/* SPDX-License-Identifier: ISC */
/* What SORT and THREAD keep of each message that was found. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mime/text.h"
#include "worker/session/imap/search_task.h"

#define BLOCK_SIZE 65536

struct search_block {
	struct search_block *next;
	size_t used, size;
	char bytes[];
};

/* LENGTH octets that stay until the command is over, fit for pointers. */
static void *
take(struct search_texts *texts, size_t length)
{
	struct search_block *block = texts->blocks;
	size_t rounded = (length + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
	void *at;

	if (block == NULL || block->size - block->used < rounded) {
		size_t size = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;

		block = malloc(sizeof(*block) + size);
		if (block == NULL)
			return NULL;
		*block = (struct search_block){.next = texts->blocks, .size = size};
		texts->blocks = block;
		texts->size += size;
	}
	at = block->bytes + block->used;
	block->used += rounded;
	return at;
}

static const char *
keep_text(struct search_texts *texts, const char *text, bool fold)
{
	struct mime_out folded = {0};
	size_t length = strlen(text);
	char *kept = NULL;

	if (length == 0)
		return "";
	if (fold) {
		mime_fold(text, length, &folded);
		text = folded.at;
		length = folded.length;
	}
	if (!folded.failed)
		kept = take(texts, length + 1);
	if (kept != NULL) {
		memcpy(kept, text, length);
		kept[length] = '\0';
	}
	mime_out_free(&folded);
	return kept;
}

static int
keep_sort(struct search_task *task, const struct store_message *message)
{
	struct sort_message *kept = &task->sorts[task->count];
	size_t count = task->order.text_count;

	*kept = (struct sort_message){
	    .uid = message->uid, .internaldate = message->internaldate, .size = message->size};
	if (message->summary != NULL)
		kept->sent = message->summary->sent;
	if (count == 0)
		return 0;
	kept->texts = take(&task->texts, count * sizeof(*kept->texts));
	if (kept->texts == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *text = message->summary == NULL
				       ? ""
				       : sort_text(task->order.texts[i], message->summary);

		kept->texts[i] = keep_text(&task->texts, text, true);
		if (kept->texts[i] == NULL)
			return -1;
	}
	return 0;
}

static int
keep_thread(struct search_task *task, const struct store_message *message, uint32_t number)
{
	struct thread_message *kept = &task->threads[task->count];
	const struct store_summary *summary = message->summary;
	const char *subject = summary == NULL || summary->subject == NULL ? "" : summary->subject;
	const char *ids = summary == NULL || summary->thread == NULL ? "" : summary->thread;

	*kept = (struct thread_message){
	    .number = task->uid ? message->uid : number,
	    .sent = summary == NULL ? message->internaldate : summary->sent,
	    .reply = summary != NULL && summary->reply,
	    .subject = keep_text(&task->texts, subject, true),
	    .ids = keep_text(&task->texts, ids, false),
	};
	return kept->subject == NULL || kept->ids == NULL ? -1 : 0;
}

/* Room for one more of what this command keeps. */
static int
make_room(struct search_task *task)
{
	size_t room = task->room == 0 ? 64 : task->room * 2;
	void *list;

	if (task->count < task->room)
		return 0;
	if (task->verb == IMAP_SORT) {
		list = reallocarray(task->sorts, room, sizeof(*task->sorts));
		task->sorts = list == NULL ? task->sorts : list;
	} else {
		list = reallocarray(task->threads, room, sizeof(*task->threads));
		task->threads = list == NULL ? task->threads : list;
	}
	if (list == NULL)
		return -1;
	task->room = room;
	/* cppcheck-suppress memleak; the task has it */
	return 0;
}

int
search_keep(struct search_task *task, const struct store_message *message, uint32_t number)
{
	int result;

	if (task->verb != IMAP_SORT && task->verb != IMAP_THREAD)
		return 0;
	if (make_room(task) == -1)
		return -1;
	result =
	    task->verb == IMAP_SORT ? keep_sort(task, message) : keep_thread(task, message, number);
	task->count++;
	return result;
}

unsigned
search_keep_wants(struct search_task *task)
{
	bool wanted = task->verb == IMAP_THREAD ||
		      (task->verb == IMAP_SORT && sort_needs_summary(&task->order));

	return wanted ? STORE_WANT_SUMMARY : 0;
}

void
search_keep_free(struct search_task *task)
{
	struct search_block *block;

	while ((block = task->texts.blocks) != NULL) {
		task->texts.blocks = block->next;
		free(block);
	}
	free(task->sorts);
	free(task->threads);
}
