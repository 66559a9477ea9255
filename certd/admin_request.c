/* SPDX-License-Identifier: ISC */
/* CC_REQUEST: the request for an authority, as it lies in the certs folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certd/admin_internal.h"
#include "certd/file.h"
#include "common/cert_name.h"

int
admin_request(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_request *request = message->body;
	const struct admin *admin = context;
	const struct admin_target *target = admin->admins->target;
	struct contents contents = {NULL, 0};
	char file[CERT_NAME_SIZE + sizeof(".csr")];
	struct error err;

	(void)channel;
	if (message->id == 0 || memchr(request->name, '\0', sizeof(request->name)) == NULL ||
	    request->zero[0] != 0 || request->zero[1] != 0 || request->zero[2] != 0 ||
	    !cert_name_valid(request->name))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	snprintf(file, sizeof(file), "%s.csr", request->name);
	if (file_read(target->directory, file, FILE_PUBLIC, target->owner, &contents, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	if (contents.length > CERT_DATA_MAX) {
		contents_free(&contents);
		return admin_result(admin, message->id, false, "the request is too large");
	}
	admin_data(admin, message->id, 0, contents.bytes, contents.length);
	contents_free(&contents);
	return admin_result(admin, message->id, true, "");
}
