/* SPDX-License-Identifier: ISC */
#include "ctl/checkup_lines.h"

#include <stdbool.h>
#include <string.h>

#include "common/ascii.h"
#include "worker/session/imap/utf7.h"

static void
make_printable(char *text)
{
	bool utf8 = imap_is_utf8(text, strlen(text));

	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		if (*at < ' ' || *at == 0x7f || (*at >= 0x80 && !utf8))
			*at = '?';
		/* U+0080 to U+009F: control characters of a terminal too. */
		if (at[0] == 0xc2 && at[1] < 0xa0)
			at[0] = at[1] = '?';
	}
}

/* Digits up to a space or the end; *AT comes to stand there. */
static bool
read_number(const char **at, uint64_t *number)
{
	const char *digits = *at;
	uint64_t value = 0;

	for (; ascii_is_digit(**at); (*at)++) {
		if (value > (UINT64_MAX - 9) / 10)
			return false;
		value = 10 * value + (uint64_t)(**at - '0');
	}
	*number = value;
	return *at != digits;
}

static bool
read_numbers(const char *at, uint64_t numbers[CHECKUP_NUMBERS])
{
	for (size_t i = 0; i < CHECKUP_NUMBERS; i++) {
		if (*at++ != ' ' || !read_number(&at, &numbers[i]))
			return false;
	}
	return *at == '\0';
}

struct checkup_line
checkup_line_read(char *line, size_t length)
{
	static const struct {
		const char *word;
		enum checkup_line_kind kind;
	} words[] = {{CHECKUP_FINDING, CHECKUP_LINE_FINDING},
		     {CHECKUP_FAILED, CHECKUP_LINE_FAILED}};
	struct checkup_line read = {.kind = CHECKUP_LINE_BAD};

	if (strlen(line) != length)
		return read;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t word = strlen(words[i].word);

		if (strncmp(line, words[i].word, word) != 0)
			continue;
		make_printable(line + word);
		read.kind = words[i].kind;
		read.text = line + word;
		return read;
	}
	if (strncmp(line, CHECKUP_DONE, strlen(CHECKUP_DONE)) == 0 &&
	    read_numbers(line + strlen(CHECKUP_DONE), read.numbers))
		read.kind = CHECKUP_LINE_DONE;
	return read;
}
