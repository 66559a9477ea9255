/* SPDX-License-Identifier: ISC */
/* posternctl cert request: what to send to a certificate authority. */
#include <stdio.h>
#include <string.h>

#include "common/cert_name.h"
#include "ctl/cert.h"
#include "ctl/cert_fields.h"
#include "ctl/ctl.h"
#include "ctl/options.h"

static int
print(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	(void)kind;
	(void)arg;
	if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout) == EOF)
		return error_errno(err, "writing the request");
	return 0;
}

static int
set_key(struct cc_request *request, const char *text, struct error *err)
{
	request->key = cert_key_kind(text);
	if (request->key == 0 || request->key == CERT_KEY_RSA_1024)
		return error_set(err, "key %s: one of " CERT_KEY_WORDS, text);
	return 0;
}

/* Returns CTL_OK, or what to exit with. */
static int
parse(int argc, char **argv, struct cc_request *request)
{
	static const struct option table[] = {{"renew", no_argument, NULL, 'r'},
					      {"new-key", no_argument, NULL, 'n'},
					      {"key", required_argument, NULL, 'k'},
					      {NULL, 0, NULL, 0}};
	static const char *const exclusive[] = {"rn", NULL};
	struct options options = {.table = table, .exclusive = exclusive};
	struct error err;
	int option, result = 0;

	*request = (struct cc_request){.how = CERT_REQUEST_PRINT};
	while (result == 0 && (option = options_next(&options, argc, argv)) != -1) {
		if (option == 'r')
			request->how = CERT_REQUEST_RENEW;
		else if (option == 'n')
			request->how = CERT_REQUEST_NEW_KEY;
		else if (option == 'k')
			result = set_key(request, optarg, &err);
		else
			return CTL_USAGE;
	}
	if (result == 0 && argc - optind != 1)
		return CTL_USAGE;
	if (result == 0 && request->key != 0 && request->how != CERT_REQUEST_NEW_KEY)
		result = error_set(&err, "--key is the kind of a new key: say --new-key too");
	if (result == 0 && !cert_name_valid(argv[optind]))
		result = error_set(&err, "%s: not a name for a certificate: " CERT_NAME_RULE,
				   argv[optind]);
	if (result == -1)
		return ctl_error(&err);
	strlcpy(request->name, argv[optind], sizeof(request->name));
	return CTL_OK;
}

int
ctl_cert_request(int argc, char **argv)
{
	struct cc_request request;
	const struct cert_request ask = {.type = CC_REQUEST,
					 .body = &request,
					 .size = sizeof(request),
					 .fd = -1,
					 .on_data = print};
	int result = parse(argc, argv, &request);

	return result == CTL_OK ? cert_command(&ask, NULL, stderr) : result;
}
