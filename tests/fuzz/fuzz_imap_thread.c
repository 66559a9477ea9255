/* SPDX-License-Identifier: ISC */
/*
 * A message a line: "DATE SUBJECT R ID ID ...". Whatever they refer to, each is in the answer once,
 * and its parentheses are right.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/thread.h"

#define MESSAGES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool right)
{
	if (!right)
		abort();
}

/* Cuts a line into its words; ids are joined by line ends again. */
static struct thread_message
read_line(char *line, uint32_t number)
{
	struct thread_message message = {.number = number, .subject = "", .ids = ""};
	char *word = strsep(&line, " ");

	message.sent = word[0] % 8;
	if (line != NULL)
		message.subject = strsep(&line, " ");
	if (line != NULL)
		message.reply = strsep(&line, " ")[0] == 'R';
	if (line != NULL) {
		message.ids = line;
		for (; *line != '\0'; line++)
			*line = *line == ' ' ? '\n' : *line;
	}
	return message;
}

static void
check_answer(const struct mime_out *out, size_t count)
{
	bool seen[MESSAGES + 1] = {false};
	size_t depth = 0, numbers = 0, number = 0;

	for (size_t i = 0; i < out->length; i++) {
		char c = out->at[i];

		if (c >= '0' && c <= '9') {
			number = number * 10 + (size_t)(c - '0');
			if (i + 1 < out->length && out->at[i + 1] >= '0' && out->at[i + 1] <= '9')
				continue;
			must(number <= count && number > 0 && !seen[number] && depth > 0);
			seen[number] = true;
			numbers++;
			number = 0;
		} else if (c == '(') {
			depth++;
		} else if (c == ')') {
			must(depth-- > 0 && out->at[i - 1] != '(' && out->at[i - 1] != ' ');
		} else {
			must(c == ' ' && depth > 0 && out->at[i - 1] != '(');
		}
	}
	must(depth == 0 && numbers == count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct thread_message messages[MESSAGES];
	char *text = malloc(size + 1), *rest = text;
	size_t count = 0;

	must(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	while (rest != NULL && count < MESSAGES) {
		messages[count] = read_line(strsep(&rest, "\n"), (uint32_t)count + 1);
		count++;
	}
	for (int algorithm = 0; algorithm < 2; algorithm++) {
		struct threads threads;
		struct mime_out out = {0};

		must(thread_messages((enum imap_thread_algorithm)algorithm, messages, count,
				     &threads) == 0);
		must(threads_format(&threads, &out) == 0);
		check_answer(&out, count);
		mime_out_free(&out);
		threads_free(&threads);
	}
	free(text);
	return 0;
}
