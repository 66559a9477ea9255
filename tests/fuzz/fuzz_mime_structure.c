/* SPDX-License-Identifier: ISC */
/* Any message has a tree that is in itself right, and is told of in well-formed IMAP. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/decode.h"
#include "common/mime/render.h"
#include "common/mime/summary.h"
#include "tests/fuzz/mime_imap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool right)
{
	if (!right)
		abort();
}

static void
check_tree(const struct mime_message *message)
{
	for (uint32_t i = 0; i < message->count; i++) {
		const struct mime_part *part = &message->parts[i];

		must(part->header <= part->body && part->body <= part->end &&
		     part->end <= message->length && part->depth < MIME_DEPTH_MAX);
		must(i == 0 || part->parent < i);
		must(part->next == 0 || part->next > i);
		must(part->child == 0 || part->child > i);
		must(i == 0 || (part->header >= message->parts[part->parent].body &&
				part->end <= message->parts[part->parent].end));
		must(part->lines <= part->end - part->body);
		must((part->kind == MIME_MESSAGE) <= (part->child != 0));
		(void)mime_decoded_size(mime_body_of(message, i), part->encoding);
	}
	must(message->parts[0].end == message->length);
}

static void
check_sections(const struct mime_message *message)
{
	static const struct mime_text names[] = {{"from", 4}, {"Subject", 7}};
	struct mime_out out = {0};
	struct mime_text text;

	for (uint32_t number = 0; number < 4; number++) {
		uint32_t numbers[] = {number, 1, 2};

		for (size_t count = 0; count <= 3; count++) {
			for (int section = 0; section <= MIME_SECTION_MIME; section++) {
				if (mime_find_section(message, numbers, count,
						      (enum mime_section)section, &text))
					must(text.at >= message->bytes &&
					     text.at + text.length <=
						 message->bytes + message->length);
			}
		}
	}
	mime_render_fields(mime_header_of(message, 0), names, 2, false, &out);
	mime_render_fields(mime_header_of(message, 0), names, 2, true, &out);
	/* Each field is in one of the two; and two empty lines. */
	must(out.length <= message->parts[0].body + 4);
	mime_out_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_message message;
	struct mime_summary summary;
	struct mime_out out = {0};

	must(mime_parse((const char *)data, size, &message) == 0);
	check_tree(&message);
	check_sections(&message);
	mime_render_body(&message, false, &out);
	must(!out.failed && mime_imap_is_list(out.at, out.length));
	mime_out_free(&out);
	must(mime_summarize(&message, 0, &summary) == 0);
	must(mime_imap_is_list(summary.envelope, summary.envelope_length));
	must(mime_imap_is_list(summary.bodystructure, summary.bodystructure_length));
	must(strlen(summary.envelope) == summary.envelope_length);
	must(strlen(summary.preview) <= 4 * MIME_PREVIEW_MAX);
	mime_summary_free(&summary);
	mime_free(&message);
	return 0;
}
