/* SPDX-License-Identifier: ISC */
#include "certd/dkim_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/dkim_compose.h"
#include "certd/file.h"
#include "certd/key.h"
#include "common/address.h"
#include "common/base64.h"
#include "common/log.h"

#define FOLDER "dkim"
#define MIDDLE "._domainkey."
#define NEW_FILE ".new" /* what is written; a crash may leave it */
#define NAME_SIZE (DKIM_SELECTOR_SIZE + HOST_NAME_SIZE + 16) /* of a file */
#define RSA_BITS_LEAST 1024                                  /* RFC 8301 3.2 */
#define RSA_BITS_MOST 4096

/* -- The folder --------------------------------------------------------------------------- */

static int
open_folder(const struct dkim_keys *keys, struct error *err)
{
	int fd = openat(keys->certs, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "certs/" FOLDER);
	if (file_check_folder(fd, keys->owner, err) == 0)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static int
make_folder(const struct dkim_keys *keys, struct error *err)
{
	if ((mkdirat(keys->certs, FOLDER, 0700) == -1 && errno != EEXIST) ||
	    fsync(keys->certs) == -1)
		return error_errno(err, "making certs/" FOLDER);
	return open_folder(keys, err);
}

static bool
file_name(const char *domain, const char *selector, char out[NAME_SIZE])
{
	int length = snprintf(out, NAME_SIZE, "%s" MIDDLE "%s", selector, domain);

	/* RFC 1035 2.3.4, for it is a name in DNS too. */
	return length > 0 && length <= 253;
}

/* -- A key's file --------------------------------------------------------------------------- */

static bool
is_of_ours(EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);

	return EVP_PKEY_is_a(pkey, "ED25519") ||
	       (EVP_PKEY_is_a(pkey, "RSA") && bits >= RSA_BITS_LEAST && bits <= RSA_BITS_MOST);
}

/* A word and a number behind AT; false if it is not that. */
static bool
read_time(const char **at, const char *word, int64_t *when)
{
	size_t length = strlen(word);
	char *end;

	if (strncmp(*at, word, length) != 0 || (*at)[length] < '0' || (*at)[length] > '9')
		return false;
	errno = 0;
	*when = strtoll(*at + length, &end, 10);
	*at = end;
	return errno == 0;
}

/* "from 1795925677 until 0". */
static bool
read_times(const char *text, int64_t *from, int64_t *until)
{
	return read_time(&text, "from ", from) && read_time(&text, " until ", until) &&
	       *text == '\n';
}

static struct dkim_entry *
entry_new(const char *domain, const char *selector, EVP_PKEY *pkey)
{
	struct dkim_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL || EVP_PKEY_up_ref(pkey) != 1) {
		free(entry);
		return NULL;
	}
	entry->pkey = pkey;
	entry->ed25519 = EVP_PKEY_is_a(pkey, "ED25519");
	strlcpy(entry->domain, domain, sizeof(entry->domain));
	strlcpy(entry->selector, selector, sizeof(entry->selector));
	return entry;
}

static void
insert(struct dkim_keys *keys, struct dkim_entry *new)
{
	struct dkim_entry *entry;

	keys->count++;
	TAILQ_FOREACH (entry, &keys->list, entry) {
		int order = strcmp(entry->domain, new->domain);

		if (order > 0 || (order == 0 && strcmp(entry->selector, new->selector) > 0)) {
			TAILQ_INSERT_BEFORE(entry, new, entry);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&keys->list, new, entry);
}

static int
parse_file(struct dkim_keys *keys, const struct contents *contents, const char *domain,
	   const char *selector, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(contents->bytes, (int)contents->length);
	EVP_PKEY *pkey = NULL;
	struct dkim_entry *entry = NULL;
	int64_t from, until;

	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, key_no_passphrase, NULL);
	BIO_free(bio);
	if (pkey == NULL)
		return key_library_error(err, "the private key");
	if (!is_of_ours(pkey) || !read_times(contents->bytes, &from, &until))
		error_set(err, "it is neither RSA of 1024 to 4096 bits nor Ed25519, or its first "
			       "line is not \"from TIME until TIME\"");
	else if ((entry = entry_new(domain, selector, pkey)) == NULL)
		error_set(err, "no memory");
	EVP_PKEY_free(pkey);
	if (entry == NULL)
		return -1;
	entry->from = from;
	entry->until = until;
	insert(keys, entry);
	return 0;
}

static bool
split_name(const char *file, char domain[HOST_NAME_SIZE], char selector[DKIM_SELECTOR_SIZE])
{
	const char *middle = strstr(file, MIDDLE);
	char name[HOST_NAME_SIZE];

	if (middle == NULL ||
	    address_parse_domain(file, (size_t)(middle - file), name) != ADDRESS_OK ||
	    strlcpy(selector, name, DKIM_SELECTOR_SIZE) >= DKIM_SELECTOR_SIZE)
		return false;
	middle += strlen(MIDDLE);
	return address_parse_domain(middle, strlen(middle), domain) == ADDRESS_OK;
}

static void
load_one(struct dkim_keys *keys, int folder, const char *file)
{
	char domain[HOST_NAME_SIZE], selector[DKIM_SELECTOR_SIZE];
	struct contents contents = {NULL, 0};
	struct error err;
	int result = -1;

	if (!split_name(file, domain, selector))
		error_set(&err, "its name is not SELECTOR" MIDDLE "DOMAIN");
	else if (keys->count >= DKIM_KEYS_MAX)
		error_set(&err, "there are more than %d", DKIM_KEYS_MAX);
	else if (file_read(folder, file, FILE_KEY, keys->owner, &contents, &err) == 0)
		result = parse_file(keys, &contents, domain, selector, &err);
	contents_free(&contents);
	if (result == -1)
		log_event(LOG_ERR, "dkim.rejected", KV_STR("file", file), KV_STR("why", err.text));
}

void
dkim_keys_load(struct dkim_keys *keys, int certs, uid_t owner)
{
	struct error err;
	struct dirent *file;
	DIR *list;
	int fd;

	memset(keys, 0, sizeof(*keys));
	TAILQ_INIT(&keys->list);
	keys->certs = certs;
	keys->owner = owner;
	fd = open_folder(keys, &err);
	if (fd == -1) {
		if (errno != ENOENT)
			log_event(LOG_ERR, "dkim.rejected", KV_STR("file", "certs/" FOLDER),
				  KV_STR("why", err.text));
		return;
	}
	(void)unlinkat(fd, NEW_FILE, 0);
	list = fdopendir(fd);
	if (list == NULL) {
		close(fd);
		return;
	}
	while ((file = readdir(list)) != NULL) {
		if (file->d_name[0] != '.')
			load_one(keys, fd, file->d_name);
	}
	closedir(list);
	if (keys->count > 0)
		log_event(LOG_INFO, "dkim.loaded", KV_U64("keys", keys->count));
}

static void
entry_free(struct dkim_entry *entry)
{
	EVP_PKEY_free(entry->pkey);
	free(entry);
}

void
dkim_keys_free(struct dkim_keys *keys)
{
	struct dkim_entry *entry;

	/* It may never have been read. */
	if (keys->list.tqh_last == NULL)
		return;
	while ((entry = TAILQ_FIRST(&keys->list)) != NULL) {
		TAILQ_REMOVE(&keys->list, entry, entry);
		entry_free(entry);
	}
	keys->count = 0;
}

struct dkim_entry *
dkim_keys_find(struct dkim_keys *keys, const char *domain, const char *selector)
{
	struct dkim_entry *entry;

	TAILQ_FOREACH (entry, &keys->list, entry) {
		if (strcmp(entry->domain, domain) == 0 && strcmp(entry->selector, selector) == 0)
			return entry;
	}
	return NULL;
}

bool
dkim_entry_in_force(const struct dkim_entry *entry, int64_t now)
{
	return entry->from <= now && (entry->until == 0 || now < entry->until);
}

/* -- Written ------------------------------------------------------------------------------ */

/* The whole file, into *BIO. */
static int
format(EVP_PKEY *pkey, int64_t from, int64_t until, BIO **bio, struct error *err)
{
	*bio = BIO_new(BIO_s_secmem());
	if (*bio == NULL ||
	    BIO_printf(*bio, "from %" PRId64 " until %" PRId64 "\n", from, until) <= 0 ||
	    PEM_write_bio_PKCS8PrivateKey(*bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return key_library_error(err, "writing the key");
	return 0;
}

static int
write_file(const struct dkim_keys *keys, const char *file, EVP_PKEY *pkey, int64_t from,
	   int64_t until, struct error *err)
{
	int folder = make_folder(keys, err), result = -1;
	BIO *bio = NULL;
	char *bytes;
	long length;

	if (folder == -1)
		return -1;
	(void)unlinkat(folder, NEW_FILE, 0);
	if (format(pkey, from, until, &bio, err) == 0) {
		length = BIO_get_mem_data(bio, &bytes);
		if (file_write_new(folder, NEW_FILE, 0600, bytes, (size_t)length) == 0 &&
		    renameat(folder, NEW_FILE, folder, file) == 0 && fsync(folder) == 0)
			result = 0;
		else
			error_errno(err, "certs/" FOLDER "/%s", file);
	}
	BIO_free(bio);
	close(folder);
	return result;
}

int
dkim_keys_add(struct dkim_keys *keys, const char *domain, const char *selector, EVP_PKEY *pkey,
	      int64_t from, struct error *err)
{
	char file[NAME_SIZE], checked[HOST_NAME_SIZE], label[DKIM_SELECTOR_SIZE];
	struct dkim_entry *entry;

	if (!file_name(domain, selector, file) || !split_name(file, checked, label) ||
	    strcmp(checked, domain) != 0 || strcmp(label, selector) != 0)
		return error_set(err, "%s of %s: no selector and domain that DNS can have",
				 selector, domain);
	if (dkim_keys_find(keys, domain, selector) != NULL)
		return error_set(err, "%s has a selector %s already: choose another one", domain,
				 selector);
	if (keys->count >= DKIM_KEYS_MAX)
		return error_set(err, "there are %d keys already", DKIM_KEYS_MAX);
	entry = entry_new(domain, selector, pkey);
	if (entry == NULL)
		return error_set(err, "no memory");
	entry->from = from;
	if (write_file(keys, file, pkey, from, 0, err) == -1) {
		entry_free(entry);
		return -1;
	}
	insert(keys, entry);
	return 0;
}

int
dkim_keys_set(struct dkim_keys *keys, struct dkim_entry *entry, int64_t from, int64_t until,
	      struct error *err)
{
	char file[NAME_SIZE];

	if (!file_name(entry->domain, entry->selector, file) ||
	    write_file(keys, file, entry->pkey, from, until, err) == -1)
		return -1;
	entry->from = from;
	entry->until = until;
	return 0;
}

int
dkim_keys_remove(struct dkim_keys *keys, struct dkim_entry *entry, struct error *err)
{
	int folder = open_folder(keys, err), result;
	char file[NAME_SIZE];

	if (folder == -1)
		return -1;
	(void)file_name(entry->domain, entry->selector, file);
	result = unlinkat(folder, file, 0) == 0 && fsync(folder) == 0
		     ? 0
		     : error_errno(err, "certs/" FOLDER "/%s", file);
	close(folder);
	if (result == -1)
		return -1;
	TAILQ_REMOVE(&keys->list, entry, entry);
	keys->count--;
	entry_free(entry);
	return 0;
}

/* -- Used --------------------------------------------------------------------------------- */

bool
dkim_entry_record(const struct dkim_entry *entry, char out[DKIM_RECORD_SIZE])
{
	unsigned char *der = NULL, raw[64];
	char text[BASE64_ENCODED(768) + 1];
	size_t length = sizeof(raw);
	int size = 0;

	if (entry->ed25519) {
		if (EVP_PKEY_get_raw_public_key(entry->pkey, raw, &length) != 1)
			return false;
		(void)base64_encode(raw, length, text);
	} else {
		size = i2d_PUBKEY(entry->pkey, &der);
		if (size > 0 && size <= 768)
			(void)base64_encode(der, (size_t)size, text);
		OPENSSL_free(der);
		if (size <= 0 || size > 768)
			return false;
	}
	return snprintf(out, DKIM_RECORD_SIZE, "v=DKIM1; k=%s; p=%s",
			entry->ed25519 ? "ed25519" : "rsa", text) < DKIM_RECORD_SIZE;
}

static bool
sign_ed25519(EVP_PKEY *pkey, const uint8_t hash[32], uint8_t *signature, size_t *length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool result = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, pkey) == 1 &&
		      EVP_DigestSign(context, signature, length, hash, 32) == 1;

	EVP_MD_CTX_free(context);
	return result;
}

static bool
sign_rsa(EVP_PKEY *pkey, const uint8_t hash[32], uint8_t *signature, size_t *length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool result = context != NULL && EVP_PKEY_sign_init(context) == 1 &&
		      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
		      EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
		      EVP_PKEY_sign(context, signature, length, hash, 32) == 1;

	EVP_PKEY_CTX_free(context);
	return result;
}

int
dkim_entry_sign(struct dkim_entry *entry, const uint8_t hash[32], uint8_t *signature,
		size_t *length, struct error *err)
{
	*length = SIGNATURE_OCTETS_MAX;
	if (entry->ed25519 ? !sign_ed25519(entry->pkey, hash, signature, length)
			   : !sign_rsa(entry->pkey, hash, signature, length))
		return key_library_error(err, "signing");
	entry->used++;
	return 0;
}
