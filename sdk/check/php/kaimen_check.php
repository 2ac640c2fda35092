<?php
// Checks Kaimen's tickets in this process, over libkaimen_check by FFI (ffi.enable = true, or preloaded); asks a node's /verify where nothing can
// be said.
//
//   require 'kaimen_check.php';
//   $check = new KaimenCheck('/run/kaimen/check', 'http://127.0.0.1:8081/verify');
//   $answer = $check->request(getallheaders(), ['app_id' => 'wx…']);
//   if ($answer['status'] === 204 && $answer['user'] !== '') …
//
// Without FFI, the library or the file every check asks /verify; without that too it is 503. Who can read the state file can also make tickets.

final class KaimenCheck
{
    private const TIMEOUT_SECONDS = 2;
    private const TICKET_HEADERS = ['authorization', 'x-kaimen-ticket', 'cookie', 'x-wx-skey'];
    private const OPTIONS = ['app_id', 'project', 'role', 'env', 'registered', 'optional'];
    private const FIELDS = ['user', 'session', 'app_id', 'openid', 'unionid', 'external_id', 'env'];
    // One pointer or array a declaration: PHP's reader of C takes the second of two for a pointer to a pointer, or an array of arrays.
    private const DECLARATIONS = <<<'C'
typedef struct kaimen_check kaimen_check;
typedef struct {
  int32_t status, reason, unsure, identified, registered;
  uint32_t generation;
  uint64_t issued_ms, expires;
  char user[40];
  char session[40];
  char app_id[72];
  char project[72];
  char env[16];
  const char *openid;
  const char *unionid;
  const char *external_id;
  const char *roles;
  char text[1040];
} kaimen_identity;
typedef struct { const char *ticket; size_t size; int32_t kind, seen; } kaimen_presented;
typedef struct { const char *app_id; const char *project; const char *role; const char *env; int32_t registered, optional; } kaimen_wanted;
int kaimen_check_open(const char *path, kaimen_check **check);
void kaimen_check_close(kaimen_check *check);
void kaimen_presented_header(kaimen_check *check, kaimen_presented *presented, const char *name, size_t name_size, const char *value, size_t value_size,
                             const char *cookie);
int kaimen_check_request(kaimen_check *check, const kaimen_presented *presented, const kaimen_wanted *wanted, kaimen_identity *who);
const char *kaimen_reason_name(int reason);
const char *kaimen_unsure_text(int unsure);
int kaimen_check_abi(void);
C;

    private ?FFI $library = null;
    private ?FFI\CData $handle = null;

    private array $sent;

    /** Either may be null; $verify is http://… or https://…. $library: a path, else as ld.so finds it. $ticketHeaders: session.ticket_headers, for $verify; the state file knows them. */
    public function __construct(?string $state, private ?string $verify = null, ?string $library = null, array $ticketHeaders = [])
    {
        $this->sent = [...self::TICKET_HEADERS, ...array_map('strtolower', $ticketHeaders)];
        if ($verify !== null && !preg_match('~^https?://.~i', $verify)) {
            throw new InvalidArgumentException("verify must be http://… or https://…, not $verify");
        }
        if ($state === null) {
            return;
        }
        try {
            $this->library = FFI::cdef(self::DECLARATIONS, $library ?? (getenv('KAIMEN_CHECK_LIBRARY') ?: 'libkaimen_check.so.1'));
            if ($this->library->kaimen_check_abi() !== 1) {
                throw new RuntimeException('kaimen_check: another version of libkaimen_check');
            }
        } catch (Throwable $failure) {
            if ($verify === null) {
                throw $failure;
            }
            $this->library = null;
            return;
        }
        $handle = $this->library->new('kaimen_check *');
        if ($this->library->kaimen_check_open($state, FFI::addr($handle)) !== 0) {
            throw new RuntimeException('kaimen_check: ' . $state . ' cannot be opened');
        }
        $this->handle = $handle;
    }

    public function __destruct()
    {
        if ($this->handle !== null) {
            $this->library->kaimen_check_close($this->handle);
        }
    }

    /** @param array $headers name => value, or a list of [name, value]. @param array $wanted the options of /verify. */
    public function request(array $headers, array $wanted = []): array
    {
        if ($unknown = array_diff(array_keys($wanted), self::OPTIONS)) {
            throw new InvalidArgumentException('unknown: ' . implode(', ', $unknown));
        }
        foreach (['registered', 'optional'] as $name) {
            $wanted[$name] = self::is($name, $wanted[$name] ?? false);
        }
        $pairs = [];
        foreach ($headers as $name => $value) {
            $pairs[] = is_array($value) ? $value : [(string) $name, (string) $value];
        }
        $answer = $this->handle !== null ? $this->inside($pairs, $wanted) : self::answer(503, ['unsure' => 'no library or no state file']);
        return $answer['status'] === 503 && $this->verify !== null ? $this->ask($pairs, $wanted) : $answer;
    }

    /** Configuration often has its yes and no as texts, and 'false' is not yes. */
    private static function is(string $name, mixed $value): bool
    {
        return match ($value) {
            true, 'true', 1, '1' => true,
            false, 'false', 0, '0', '' => false,
            default => throw new InvalidArgumentException("$name must be true or false"),
        };
    }

    private static function answer(int $status, array $more = []): array
    {
        return $more + ['status' => $status, 'reason' => '', 'unsure' => '', 'user' => '', 'session' => '', 'app_id' => '', 'openid' => '', 'unionid' => '',
            'external_id' => '', 'roles' => [], 'env' => '', 'registered' => false, 'expires' => 0];
    }

    private static function roles(string $text): array
    {
        return $text === '' ? [] : explode(',', $text);
    }

    /** A C text that lives for as long as what is returned does. */
    private function text(string $value): FFI\CData
    {
        $memory = $this->library->new('char[' . (strlen($value) + 1) . ']');
        FFI::memcpy($memory, $value, strlen($value));
        return $memory;
    }

    private function inside(array $pairs, array $wanted): array
    {
        $library = $this->library;
        $presented = $library->new('kaimen_presented');
        $asked = $library->new('kaimen_wanted');
        $who = $library->new('kaimen_identity');
        $kept = [];  // what the structs point into
        foreach ($pairs as [$name, $value]) {
            $kept[] = $memory = $this->text($value);
            $library->kaimen_presented_header($this->handle, FFI::addr($presented), $name, strlen($name), $library->cast('char *', FFI::addr($memory)), strlen($value), null);
        }
        foreach (['app_id', 'project', 'role', 'env'] as $name) {
            $kept[] = $memory = $this->text((string) ($wanted[$name] ?? ''));
            $asked->$name = $library->cast('char *', FFI::addr($memory));
        }
        $asked->registered = $wanted['registered'] ? 1 : 0;
        $asked->optional = $wanted['optional'] ? 1 : 0;
        $status = $library->kaimen_check_request($this->handle, FFI::addr($presented), FFI::addr($asked), FFI::addr($who));
        if ($status === 401) {
            return self::answer(401, ['reason' => self::string($library->kaimen_reason_name($who->reason))]);
        }
        if ($status === 503) {
            return self::answer(503, ['unsure' => self::string($library->kaimen_unsure_text($who->unsure))]);
        }
        if ($who->identified === 0) {
            return self::answer($status);
        }
        $known = ['registered' => $who->registered === 1, 'expires' => $who->expires, 'roles' => self::roles(self::string($who->roles))];
        foreach (self::FIELDS as $name) {
            $known[$name] = self::string($who->$name);
        }
        return self::answer(204, $known);
    }

    private static function string(string|FFI\CData|null $text): string
    {
        return $text instanceof FFI\CData ? FFI::string($text) : (string) $text;
    }

    private function ask(array $pairs, array $wanted): array
    {
        $options = array_map(fn ($value) => $value === true ? 'true' : $value, array_filter($wanted));
        $sent = [];
        foreach ($pairs as [$name, $value]) {
            if (in_array(strtolower($name), $this->sent, true)) {
                if (preg_match('/[\r\n\0]/', $value)) {
                    return self::answer(401, ['reason' => 'malformed']);
                }
                $sent[] = "$name: $value";
            }
        }
        $context = stream_context_create(['http' => ['header' => $sent, 'timeout' => self::TIMEOUT_SECONDS, 'ignore_errors' => true, 'follow_location' => 0]]);
        $stream = @fopen($this->verify . ($options ? '?' . http_build_query($options) : ''), 'r', false, $context);
        if ($stream === false) {
            return self::answer(503, ['unsure' => '/verify cannot be reached']);
        }
        $lines = stream_get_meta_data($stream)['wrapper_data'] ?? [];
        fclose($stream);
        $status = (int) (explode(' ', $lines[0] ?? '')[1] ?? 0);
        $given = [];
        foreach (array_slice($lines, 1) as $line) {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $given[strtolower($name)] = trim($value);
        }
        $of = fn (string $name): string => $given["x-kaimen-$name"] ?? '';
        if ($status === 204 && $of('user') === '' && !$wanted['optional']) {
            return self::answer(503, ['unsure' => '/verify names nobody']);  // somebody else's 204
        }
        if ($status === 204 && $of('actor') !== '') {
            return self::answer(403);  // a support view, refused as inside
        }
        return match ($status) {
            204 => self::answer(204, ['user' => $of('user'), 'session' => $of('session'), 'app_id' => $of('app'), 'openid' => $of('openid'), 'unionid' => $of('unionid'),
                'external_id' => $of('external-id'), 'roles' => self::roles($of('roles')), 'env' => $of('env'), 'registered' => $of('registered') === 'true',
                'expires' => (int) $of('expires')]),
            401 => self::answer(401, ['reason' => $of('reason')]),
            403 => self::answer(403),
            default => self::answer(503, ['unsure' => "/verify answers $status"]),
        };
    }
}
