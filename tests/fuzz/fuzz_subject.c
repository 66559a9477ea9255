/* SPDX-License-Identifier: ISC */
/* What is put into a certificate's subject, as posternctl or a liar in its place sends it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert_subject subject = {.country = ""};
	char text[sizeof(subject) + 1];
	struct error err;

	memcpy(&subject, data, size < sizeof(subject) ? size : sizeof(subject));
	(void)subject_valid(&subject, &err);
	memset(&subject, 0, sizeof(subject));
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	/* What has been taken is valid. */
	for (const struct subject_field *field = subject_fields; field->option != NULL; field++) {
		if (subject_set(&subject, field, text, &err) == 0 && !subject_valid(&subject, &err))
			abort();
	}
	return 0;
}
