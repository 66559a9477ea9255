/* SPDX-License-Identifier: ISC */
#include "worker/queue/reason.h"

#include <stdio.h>

const char *
reason_text(const struct reason_facts *facts, char out[QUEUE_REASON_SIZE])
{
	if (facts->said && facts->host[0] != '\0')
		(void)snprintf(out, QUEUE_REASON_SIZE, "%s said: %03u%s%s %s", facts->host,
			       facts->code, facts->enhanced[0] == '\0' ? "" : " ", facts->enhanced,
			       facts->text);
	else
		(void)snprintf(out, QUEUE_REASON_SIZE, "%s", facts->text);
	return out;
}
