<?php
// Kaimen for PHP: says who is calling, or answers for you and ends the script. Copy this file; it needs PHP 8.1 and no extension. The
// connection is kept from request to request (pfsockopen). What it does and its options: ../README.md.
//
//   require 'kaimen.php';
//   $me = Kaimen\check(['check' => ['app_id' => 'wx…']]);
//   echo "hello {$me->user}";

declare(strict_types=1);

namespace Kaimen;

/** Who holds the ticket of this request. What is not known is null. */
final class Identity
{
    public function __construct(
        public readonly string $user,
        public readonly ?string $session,
        public readonly ?string $app,
        public readonly ?string $openid,
        public readonly ?string $unionid,
        public readonly ?string $externalId,
        /** @var string[] */
        public readonly array $roles,
        public readonly ?string $env,
        public readonly bool $registered,
        public readonly int $expires,
        public readonly ?string $jwt,
        /** Who of your team looks on in the user's place; null: the user. Refuse them what only the user may do. */
        public readonly ?string $actor,
    ) {
    }
}

/**
 * The identity; null where the check is optional and there is no ticket. Anybody else gets the answer, and the script ends.
 * Options: url, key, check (what /verify is to look at), ticketHeaders, timeout (seconds).
 */
function check(array $options = []): ?Identity
{
    $options += ['url' => 'http://127.0.0.1:8081', 'key' => null, 'check' => [], 'ticketHeaders' => [], 'timeout' => 2.0];
    $wanted = array_map(fn ($value) => $value === true ? 'true' : (string) $value, $options['check']);
    $headers = ['Host: kaimen'];
    foreach (['Authorization', 'Cookie', 'X-Kaimen-Ticket', 'X-WX-Skey', 'X-Request-Id', ...$options['ticketHeaders']] as $name) {
        $value = $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? null;
        if (is_string($value) && !preg_match('/[\r\n\0]/', $value)) {
            $headers[] = "$name: $value";
        }
    }
    if ($options['key'] !== null) {
        $headers[] = "X-Kaimen-Key: {$options['key']}";
    }
    foreach (array_keys($_SERVER) as $name) {
        if (preg_match('/^HTTP_X[^A-Z0-9](KAIMEN[^A-Z0-9](?!TICKET$).*|WX[^A-Z0-9](FROM[^A-Z0-9])?(OPENID|UNIONID|APPID))$/i', (string) $name)) {
            unset($_SERVER[$name]);
        }
    }
    $path = '/verify' . ($wanted ? '?' . http_build_query($wanted) : '');
    [$status, $told] = ask($options['url'], $path, $headers, (float) $options['timeout']);
    if ($status === 204 && ($told['x-kaimen-user'] ?? '') !== '') {
        return identity($told);
    }
    if ($status === 204 && ($wanted['optional'] ?? '') === 'true') {
        return null;
    }
    // A 204 that names nobody is not Kaimen's, and neither is anything but these two.
    refuse($status === 401 || $status === 403 ? $status : 503, $told);
}

/** @return array{int, array<string, string>} status (0: no answer) and headers */
function ask(string $url, string $path, array $headers, float $timeout): array
{
    $deadline = microtime(true) + $timeout;
    $unix = str_starts_with($url, 'unix:');
    $parts = parse_url($unix ? 'http://kaimen' : $url);
    $scheme = ['http' => 'tcp', 'https' => 'tls'][strtolower($parts['scheme'] ?? '')] ?? null;
    if ($scheme === null) {
        throw new \InvalidArgumentException("url must be http://…, https://… or unix:…, not $url");
    }
    $port = $parts['port'] ?? ($scheme === 'tls' ? 443 : 80);
    [$host, $port] = $unix ? ['unix://' . substr($url, 5), -1] : ["$scheme://" . ($parts['host'] ?? ''), $port];
    $request = "GET $path HTTP/1.1\r\n" . implode("\r\n", $headers) . "\r\n\r\n";
    // More than one try is for kept connections that are of no use any more: the request did not reach Kaimen.
    for ($try = 0; $try < 3 && microtime(true) < $deadline; ++$try) {
        $line = @pfsockopen($host, $port, $number, $text, $timeout);
        if (!$line) {
            break;
        }
        in_use($line);
        $answer = is_clean($line) ? exchange($line, $request, $deadline) : null;
        in_use(null);
        if ($answer) {
            return $answer;
        }
        fclose($line);
    }
    return [0, []];
}

/** A script that ends in the middle must not leave its answer to the next one, which is another user's: then the connection goes with it. */
function in_use($line): void
{
    static $now = null;
    static $watching = false;
    $now = $line;
    if (!$watching) {
        $watching = true;
        register_shutdown_function(static function () use (&$now): void {
            if ($now) {
                fclose($now);
            }
        });
    }
}

/** Whether nothing has come that nobody asked for, and the other end is there. */
function is_clean($line): bool
{
    stream_set_blocking($line, false);
    $left = @fread($line, 1);
    stream_set_blocking($line, true);
    return ($left === '' || $left === false) && !feof($line);
}

/** @return array{int, array<string, string>}|null null: the connection is of no more use */
function exchange($line, string $request, float $deadline): ?array
{
    $left = max(0.001, $deadline - microtime(true));
    stream_set_timeout($line, (int) $left, (int) (fmod($left, 1) * 1e6));
    if (@fwrite($line, $request) !== strlen($request)) {
        return null;
    }
    $first = @fgets($line, 8192);
    if ($first === false || !preg_match('~^HTTP/1\.1 (\d{3})\b~', $first, $found)) {
        return null;
    }
    $told = [];
    while (($one = @fgets($line, 8192)) !== false && rtrim($one) !== '') {
        [$name, $value] = array_pad(explode(':', $one, 2), 2, '');
        $told[strtolower(trim($name))] = trim($value);
        if (microtime(true) > $deadline) {
            return null;
        }
    }
    if ($one === false) {
        return null;
    }
    // Kaimen's answers have no body. What has one, or does not say so, leaves the connection of no more use.
    $empty = $found[1] === '204' || ($told['content-length'] ?? '') === '0';
    if (!$empty || strtolower($told['connection'] ?? '') === 'close') {
        fclose($line);
    }
    return [(int) $found[1], $told];
}

function identity(array $told): Identity
{
    $text = fn (string $name): ?string => $told["x-kaimen-$name"] ?? null;
    $roles = array_values(array_filter(explode(',', $text('roles') ?? ''), 'strlen'));
    return new Identity(
        $text('user'), $text('session'), $text('app'), $text('openid'), $text('unionid'), $text('external-id'), $roles, $text('env'),
        $text('registered') === 'true', (int) $text('expires'), $text('jwt'), $text('actor'),
    );
}

function refuse(int $status, array $told): never
{
    $names = [401 => ['No valid ticket', 'unauthenticated'], 403 => ['Not allowed', 'forbidden'],
        503 => ['The service is not available at present', 'unavailable']];
    [$title, $code] = $names[$status];
    $body = ['type' => 'about:blank', 'title' => $title, 'status' => $status, 'code' => $code];
    http_response_code($status);
    header('Content-Type: application/problem+json');
    header('Cache-Control: no-store');
    if ($status === 401) {
        $body['reason'] = $told['x-kaimen-reason'] ?? null;
        header('X-Kaimen-Reason: ' . $body['reason']);
        header('WWW-Authenticate: ' . ($told['www-authenticate'] ?? 'Bearer'), true, 401);
    }
    if ($status === 503) {
        header('Retry-After: 2');
    } else {
        $body['request_id'] = $told['x-request-id'] ?? null;
    }
    echo json_encode($body);
    exit;
}
