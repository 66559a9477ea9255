/* SPDX-License-Identifier: ISC */
/* CC_EXPORT, CC_EXPORT_CLEAR: a certificate, and its key if it must be, leave the certs folder. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/admin_internal.h"
#include "certd/pack.h"
#include "common/cert_name.h"
#include "common/log.h"

bool
admin_passphrase_ends(const char passphrase[CERT_PASSPHRASE_SIZE])
{
	return memchr(passphrase, '\0', CERT_PASSPHRASE_SIZE) != NULL &&
	       strpbrk(passphrase, "\r\n") == NULL;
}

bool
admin_passphrase_is_ascii(const char *passphrase)
{
	for (; *passphrase != '\0'; passphrase++) {
		if (*passphrase < ' ' || *passphrase > '~')
			return false;
	}
	return true;
}

void
admin_pieces(const struct admin *admin, uint32_t id, const struct packed *packed)
{
	for (size_t done = 0; done < packed->length; done += CERT_DATA_MAX) {
		size_t rest = packed->length - done;

		admin_data(admin, id, 0, packed->bytes + done,
			   rest < CERT_DATA_MAX ? rest : CERT_DATA_MAX);
	}
}

/* The pair of NAME, or NULL with ERR filled. */
static const struct pair *
find(const struct admin *admin, const char *name, struct error *err)
{
	const struct vault_entry *entry = vault_find(admin->admins->target->vault, name);

	if (entry != NULL)
		return entry->pair;
	error_set(err,
		  "%s: no certificate of that name is in use; one that was put into the folder by "
		  "hand is read by posternctl reload",
		  name);
	return NULL;
}

static void
log_export(const char *name, const char *form)
{
	log_event(LOG_NOTICE, "key.exported", KV_STR("key", name), KV_STR("as", form));
}

/* Sends what is wanted in one or two parts. */
static int
send_export(const struct admin *admin, uint32_t id, const struct cc_export *export,
	    const struct pair *pair, struct error *err)
{
	const struct der_chain chain = {pair->chain, pair->chain_length};
	struct packed key = {NULL, 0}, rest = {NULL, 0};
	int result = 0;

	if (export->what == CERT_EXPORT_KEY)
		result = pack_key(key_pkey(pair->key), export->passphrase, &key, err);
	if (result == 0)
		result = export->what == CERT_EXPORT_PKCS12
			     ? pack_pkcs12(key_pkey(pair->key), &chain, export->name,
					   export->passphrase, PACK_AES, &rest, err)
			     : pack_chain(&chain, &rest, err);
	if (result == 0) {
		if (export->what != CERT_EXPORT_CHAIN)
			log_export(export->name, "encrypted");
		admin_pieces(admin, id, &key);
		admin_pieces(admin, id, &rest);
	}
	packed_free(&key);
	packed_free(&rest);
	return result;
}

int
admin_export(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_export *export = message->body;
	const struct admin *admin = context;
	const struct pair *pair;
	size_t length;
	struct error err;

	(void)channel;
	if (message->id == 0 || !cert_name_valid(export->name) ||
	    !admin_passphrase_ends(export->passphrase) || export->zero[0] != 0 ||
	    export->zero[1] != 0 || export->what < CERT_EXPORT_CHAIN ||
	    export->what > CERT_EXPORT_PKCS12)
		return -1;
	/* Whoever sends none asks for the key as it is, which goes another way. */
	length = strlen(export->passphrase);
	if (export->what == CERT_EXPORT_CHAIN ? length != 0 : length < CERT_PASSPHRASE_MIN)
		return -1;
	if (export->what == CERT_EXPORT_PKCS12 && !admin_passphrase_is_ascii(export->passphrase))
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	if ((pair = find(admin, export->name, &err)) == NULL ||
	    send_export(admin, message->id, export, pair, &err) == -1)
		return admin_result(admin, message->id, false, err.text);
	return admin_result(admin, message->id, true, "");
}

/*
 * Only what holds nobody up: a file, or a pipe that has room now (a page at a time can't block). A
 * terminal, above all, is neither.
 */
static int
write_key(int fd, const struct packed *key, struct error *err)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_errno(err, "the output");
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return error_set(err, "a private key is written to a file or a pipe, and nowhere "
				      "else");
	for (size_t done = 0; done < key->length;) {
		size_t rest = key->length - done;
		ssize_t n;

		if (S_ISFIFO(st.st_mode) && poll(&room, 1, 0) != 1)
			return error_set(err, "nobody reads the pipe, or not fast enough");
		n = write(fd, key->bytes + done, rest < PIPE_BUF ? rest : PIPE_BUF);
		if (n == -1 && errno != EINTR)
			return error_errno(err, "writing the private key");
		done += n > 0 ? (size_t)n : 0;
	}
	if (S_ISREG(st.st_mode) && fsync(fd) == -1)
		return error_errno(err, "writing the private key");
	return 0;
}

int
admin_export_clear(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_export_clear *export = message->body;
	const struct admin *admin = context;
	struct packed key = {NULL, 0};
	const struct pair *pair;
	struct error err;
	int result = -1;

	(void)channel;
	if (message->id == 0 || !cert_name_valid(export->name) || export->zero[0] != 0 ||
	    export->zero[1] != 0 || export->zero[2] != 0)
		return -1;
	if (!admin_ready(admin, message->id))
		return 0;
	if ((pair = find(admin, export->name, &err)) != NULL &&
	    pack_key(key_pkey(pair->key), NULL, &key, &err) == 0)
		result = write_key(message->fd, &key, &err);
	packed_free(&key);
	if (result == 0)
		log_export(export->name, "plain");
	return admin_result(admin, message->id, result == 0, result == 0 ? "" : err.text);
}
