/* SPDX-License-Identifier: ISC */
/* posternctl cert request: what to send to a certificate authority. */
#include <stdio.h>
#include <string.h>

#include "common/cert_name.h"
#include "ctl/cert.h"
#include "ctl/ctl.h"

static int
print(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	(void)kind;
	(void)arg;
	if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout) == EOF)
		return error_errno(err, "writing the request");
	return 0;
}

int
ctl_cert_request(int argc, char **argv)
{
	struct cc_request request = {.name = ""};
	const struct cert_request ask = {.type = CC_REQUEST,
					 .body = &request,
					 .size = sizeof(request),
					 .fd = -1,
					 .on_data = print};
	char text[CERT_TEXT_MAX + 1];
	struct cert_channel channel;
	struct configuration *conf;
	struct conf_users users;
	struct error err;
	int result;

	if (argc != 2)
		return CTL_USAGE;
	if (!cert_name_valid(argv[1])) {
		error_set(&err, "%s: not a name for a certificate: " CERT_NAME_RULE, argv[1]);
		return ctl_error(&err);
	}
	strlcpy(request.name, argv[1], sizeof(request.name));
	conf = cert_configuration(&users);
	if (conf == NULL)
		return CTL_FAILED;
	result = cert_channel_open(conf, &users, &channel, &err);
	if (result == 0) {
		result = cert_ask(&channel, &ask, text, &err);
		cert_channel_close(&channel);
	}
	conf_free(conf);
	return result == 0 ? CTL_OK : ctl_error(&err);
}
