/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
smtp_reply_set(struct smtp_reply *reply, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(reply->text, sizeof(reply->text), format, ap) < 0)
		reply->text[0] = '\0';
	va_end(ap);
	return -1;
}

const char *
smtp_quote(const char *bytes, size_t length, char out[SMTP_QUOTE_SIZE])
{
	size_t n = length < SMTP_QUOTE_SIZE ? length : SMTP_QUOTE_SIZE - 4;
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = (char)(bytes[i] >= 32 && bytes[i] <= 126 ? bytes[i] : '?');
	out[n] = '\0';
	if (n < length)
		memcpy(out + n, "...", sizeof("..."));
	return out;
}
