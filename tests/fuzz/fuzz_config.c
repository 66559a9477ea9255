/* SPDX-License-Identifier: ISC */
/* postern.conf from anybody: the reader neither crashes nor accepts what it would have to refuse.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/proto/master_certd.h"
#include "master/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* libconfig 1.5 loses a string that is unfinished when it finds an error. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void
check(const struct configuration *conf)
{
	char names[CERTD_NAMES_MAX];
	size_t length;

	if (conf->domain_count == 0 || conf->listener_count == 0 || conf->state[0] != '/')
		abort();
	if (conf_certificates(conf, names, &length) >
		conf->listener_count * LISTENER_CERTIFICATES_MAX ||
	    length > sizeof(names))
		abort();
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->service >= SERVICE_COUNT || l->port == 0 || l->port > 65535 ||
		    l->address_count == 0 || l->allow_count + l->deny_count > GATE_NETWORKS_MAX)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf;
	char *text;

	/* A fuzzer opens no files. */
	if (memmem(data, size, "@include", 8) != NULL)
		return 0;
	text = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	conf = conf_load_text(text, "/etc/postern.conf", &problems);
	if ((conf == NULL) != (problems.errors > 0))
		abort();
	if (conf != NULL)
		check(conf);
	conf_free(conf);
	conf_problems_free(&problems);
	free(text);
	return 0;
}
