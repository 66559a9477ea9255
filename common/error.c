/* SPDX-License-Identifier: ISC */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
format_text(struct error *err, const char *format, va_list ap)
{
	if (vsnprintf(err->text, sizeof(err->text), format, ap) < 0)
		err->text[0] = '\0';
}

static void
append_text(struct error *err, const char *more)
{
	size_t used = strlen(err->text);

	snprintf(err->text + used, sizeof(err->text) - used, ": %s", more);
}

void
error_set_text(struct error *err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	format_text(err, format, ap);
	va_end(ap);
}

void
error_errno_text(struct error *err, const char *format, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, format);
	format_text(err, format, ap);
	va_end(ap);
	append_text(err, strerror(saved));
	errno = saved;
}

void
error_prefix_text(struct error *err, const char *format, ...)
{
	struct error old = *err;
	va_list ap;

	va_start(ap, format);
	format_text(err, format, ap);
	va_end(ap);
	append_text(err, old.text);
}
