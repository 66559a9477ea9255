/* SPDX-License-Identifier: ISC */
/*
 * Records and answers as anybody may have published them: a check ends, within the questions that
 * it may ask (RFC 7208 4.6.4), and what it says is fit for a reply. Input: lines; the first octet
 * of each says what kind of answer it belongs to, the rest is its data.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/filter/spf.h"

/* TXT, ten terms with eleven questions each, eleven for the client's names, the explanation. */
#define QUESTIONS_MAX (1 + 10 * 11 + 11 + 1)
#define RECORDS_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next answer: lines up to one that begins with a letter. */
static struct spf_answer
next_answer(const char **at, const char *end, struct spf_data records[RECORDS_MAX])
{
	struct spf_answer answer = {.data = records};

	while (*at < end && answer.count < RECORDS_MAX) {
		const char *line = *at;
		const char *next = memchr(line, '\n', (size_t)(end - line));
		struct spf_data *record = &records[answer.count];

		if (next == NULL)
			next = end;
		*at = next < end ? next + 1 : end;
		if (line[0] == '0' || line[0] == '1') {
			answer.status = line[0] == '0' ? SPF_NO_NAME : SPF_FAILED;
			break;
		}
		*record =
		    (struct spf_data){.text = {.at = line + (line < next),
					       .length = (size_t)(next - line) - (line < next)}};
		if (record->text.length >= sizeof(record->address))
			memcpy(&record->address, record->text.at, sizeof(record->address));
		answer.count++;
		if (line < next && line[0] != '+')
			break;
	}
	return answer;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr v4 = {
	    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}}};
	static const struct in6_addr v6 = {{{0x20, 1, 0xd, 0xb8}}};
	const struct spf_request request = {
	    .address = size % 2 == 0 ? v4 : v6,
	    .local = "strong-bad+%",
	    .domain = "email.example.com",
	    .helo = "mx.example.org",
	    .receiver = "mx.example.net",
	    .now = 1,
	};
	struct spf *spf = spf_new(&request);
	const char *at = (const char *)data, *end = at + size;

	if (spf == NULL)
		return 0;
	for (size_t n = 0; spf_question(spf) != NULL; n++) {
		struct spf_data records[RECORDS_MAX];
		struct spf_answer answer = next_answer(&at, end, records);

		if (n == QUESTIONS_MAX || spf_question(spf)->name[0] == '\0')
			abort();
		spf_take(spf, &answer);
	}
	for (const char *c = spf_verdict(spf)->explanation; *c != '\0'; c++) {
		if (*c < 0x20 || *c > 0x7e)
			abort();
	}
	if (spf_result_name(spf_verdict(spf)->result) == NULL)
		abort();
	spf_free(spf);
	return 0;
}
