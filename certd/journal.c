/* SPDX-License-Identifier: ISC */
#include "certd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/file.h"
#include "common/ascii.h"
#include "common/log.h"

#define JOURNAL ".journal"
#define JOURNAL_TEMPORARY ".journal.new"

static const char *const op_words[] = {
    [JOURNAL_NEW] = "new", [JOURNAL_OVER] = "over", [JOURNAL_UNLINK] = "unlink"};
#define OP_COUNT (sizeof(op_words) / sizeof(op_words[0]))

int (*journal_hook)(void);

bool
journal_killed(bool *fail)
{
	int verdict = journal_hook == NULL ? 0 : journal_hook();

	*fail = verdict > 0;
	if (*fail)
		errno = verdict;
	return verdict == JOURNAL_KILL;
}

void
journal_add(struct journal *journal, enum journal_op op, const char *from, const char *to)
{
	struct journal_step *step = &journal->steps[journal->count++];

	step->op = op;
	strlcpy(step->from, from, sizeof(step->from));
	strlcpy(step->to, to, sizeof(step->to));
}

size_t
journal_write(const struct journal *journal, char text[JOURNAL_TEXT_MAX + 1])
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < journal->count; i++) {
		const struct journal_step *step = &journal->steps[i];

		length += (size_t)snprintf(text + length, JOURNAL_TEXT_MAX + 1 - length,
					   "%s %s%s%s\n", op_words[step->op], step->from,
					   step->to[0] == '\0' ? "" : " ", step->to);
	}
	return length;
}

/* The word at *AT, which ends with END; *AT goes behind that. */
static bool
take_word(const char **at, const char *limit, char end, char *word, size_t size)
{
	const char *stop = memchr(*at, end, (size_t)(limit - *at));
	size_t length;

	if (stop == NULL || stop == *at || (length = (size_t)(stop - *at)) >= size)
		return false;
	memcpy(word, *at, length);
	word[length] = '\0';
	*at = stop + 1;
	return strlen(word) == length;
}

/* Of this folder, and nowhere else. */
static bool
file_valid(const char *file)
{
	for (const char *c = file; *c != '\0'; c++) {
		if (!ascii_is_alnum(*c) && strchr("._-", *c) == NULL)
			return false;
	}
	return strcmp(file, ".") != 0 && strcmp(file, "..") != 0;
}

static bool
parse_step(const char **at, const char *limit, struct journal_step *step)
{
	char word[8];
	size_t op;

	if (!take_word(at, limit, ' ', word, sizeof(word)))
		return false;
	for (op = 0; op < OP_COUNT && strcmp(word, op_words[op]) != 0; op++)
		continue;
	if (op == OP_COUNT)
		return false;
	step->op = (enum journal_op)op;
	step->to[0] = '\0';
	if (step->op == JOURNAL_UNLINK)
		return take_word(at, limit, '\n', step->from, sizeof(step->from)) &&
		       file_valid(step->from);
	return take_word(at, limit, ' ', step->from, sizeof(step->from)) &&
	       take_word(at, limit, '\n', step->to, sizeof(step->to)) && file_valid(step->from) &&
	       file_valid(step->to);
}

bool
journal_parse(const char *text, size_t length, struct journal *journal)
{
	const char *at = text, *limit = text + length;

	for (journal->count = 0; at < limit; journal->count++) {
		if (journal->count == JOURNAL_STEPS_MAX ||
		    !parse_step(&at, limit, &journal->steps[journal->count]))
			return false;
	}
	return true;
}

/* Returns 0 if the step is made, or was before. */
static int
make_step(int directory, const struct journal_step *step)
{
	int result;

	switch (step->op) {
	case JOURNAL_NEW:
		result = renameat2(directory, step->from, directory, step->to, RENAME_NOREPLACE);
		if (result == 0 || errno != EEXIST)
			break;
		/*
		 * Somebody has put a file there since we looked: theirs stays. Ours goes if it is
		 * one that was prepared; it may be the only one of its key, though, under its old
		 * name.
		 */
		log_event(LOG_ERR, "folder.conflict", KV_STR("file", step->to),
			  KV_STR("from", step->from),
			  KV_STR("text", "put there by hand at the same time: it stays"));
		result = step->from[0] == '.' ? unlinkat(directory, step->from, 0) : 0;
		break;
	case JOURNAL_OVER:
		result = renameat(directory, step->from, directory, step->to);
		break;
	default:
		result = unlinkat(directory, step->from, 0);
		break;
	}
	return result == -1 && errno == ENOENT ? 0 : result;
}

/* After the commit. */
static enum journal_outcome
finish(int directory, const struct journal *journal, struct error *err)
{
	bool fail;

	for (size_t i = 0; i < journal->count; i++) {
		const struct journal_step *step = &journal->steps[i];

		if (journal_killed(&fail))
			return JOURNAL_KILLED;
		if (fail || make_step(directory, step) == -1) {
			error_errno(err, "renaming %s%s%s", step->from,
				    step->to[0] == '\0' ? "" : " to ", step->to);
			return JOURNAL_UNFINISHED;
		}
	}
	if (journal_killed(&fail))
		return JOURNAL_KILLED;
	if (fail || fsync(directory) == -1 || unlinkat(directory, JOURNAL, 0) == -1 ||
	    fsync(directory) == -1) {
		error_errno(err, "writing the certs folder");
		return JOURNAL_UNFINISHED;
	}
	return JOURNAL_DONE;
}

enum journal_outcome
journal_commit(int directory, const struct journal *journal, struct error *err)
{
	char text[JOURNAL_TEXT_MAX + 1];
	size_t length = journal_write(journal, text);
	enum journal_outcome outcome;
	bool fail;

	if (journal_killed(&fail))
		return JOURNAL_KILLED;
	if (fail || file_write_new(directory, JOURNAL_TEMPORARY, 0600, text, length) == -1 ||
	    fsync(directory) == -1) {
		error_errno(err, "writing the certs folder");
		return JOURNAL_FAILED;
	}
	if (journal_killed(&fail))
		return JOURNAL_KILLED;
	if (fail || renameat(directory, JOURNAL_TEMPORARY, directory, JOURNAL) == -1) {
		error_errno(err, "writing the certs folder");
		return JOURNAL_FAILED;
	}
	if (journal_killed(&fail))
		return JOURNAL_KILLED;
	if (fail || fsync(directory) == -1) {
		error_errno(err, "writing the certs folder");
		outcome = JOURNAL_UNFINISHED;
	} else {
		outcome = finish(directory, journal, err);
	}
	if (outcome == JOURNAL_UNFINISHED)
		log_event(LOG_ERR, "folder.unfinished", KV_STR("why", err->text),
			  KV_STR("text", "completed when the folder is next read or changed"));
	return outcome;
}

static int
read_journal(int fd, struct journal *journal, struct error *err)
{
	char text[JOURNAL_TEXT_MAX + 1];
	ssize_t length = read(fd, text, sizeof(text));

	if (length == -1)
		return error_errno(err, "reading the certs folder's " JOURNAL);
	if (!journal_parse(text, (size_t)length, journal))
		return error_set(err, JOURNAL " in the certs folder is not one of ours: look what "
					      "it says, finish that by hand, and remove it");
	return 0;
}

int
journal_recover(int directory, struct error *err)
{
	int fd = openat(directory, JOURNAL, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct journal journal;
	int result;

	if (fd == -1)
		return errno == ENOENT ? 0 : error_errno(err, "the certs folder's " JOURNAL);
	result = read_journal(fd, &journal, err);
	close(fd);
	if (result == -1)
		return -1;
	if (finish(directory, &journal, err) != JOURNAL_DONE)
		return -1;
	log_event(LOG_NOTICE, "folder.completed", KV_U64("steps", journal.count));
	return 0;
}
