// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Sends an array slice by slice and prints the levels that come back. Needs Java 11 or later, nothing else.
 *
 * <pre>java Post.java [http://127.0.0.1:8080]</pre>
 */
public class Post {
    private static final int X = 64, Y = 48, Z = 20, MIPS = 3;

    /** The slices of a stack one after another, as a microscope would hand them over: x fastest in memory. */
    private static final class Acquisition extends InputStream {
        private byte[] slice = new byte[0];
        private int at = 0, z = 0;

        private boolean isAtEnd() {
            if (at < slice.length) return false;
            if (z == Z) return true;
            slice = new byte[X * Y];
            for (int y = 0; y < Y; y++)
                for (int x = 0; x < X; x++) slice[y * X + x] = (byte) ((x + 2 * y + 3 * z) % 256);
            z += 1;
            at = 0;
            return false;
        }

        @Override
        public int read() {
            return isAtEnd() ? -1 : slice[at++] & 255;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            if (length == 0) return 0;
            if (isAtEnd()) return -1;
            int count = Math.min(length, slice.length - at);
            System.arraycopy(slice, at, bytes, offset, count);
            at += count;
            return count;
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        String base = arguments.length > 0 ? arguments[0] : "http://127.0.0.1:8080";
        String query = String.format(
            "method=average&factor=2,2,2&mips=%d&format=raw&dtype=uint8&shape=%d,%d,%d", MIPS, X, Y, Z);
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/v1/pyramid?" + query))
            .header("Content-Type", "application/octet-stream")
            // A stream is sent in chunks: nobody holds the whole stack, neither here nor there.
            .POST(HttpRequest.BodyPublishers.ofInputStream(Acquisition::new))
            .build();
        HttpResponse<byte[]> answer = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            System.err.println(answer.statusCode() + ": " + new String(answer.body()));
            System.exit(1);
        }
        // "(1 32 24 10), (2 16 12 5)": each level's mip and its shape.
        Matcher items = Pattern.compile("\\(([^)]*)\\)")
            .matcher(answer.headers().firstValue("Pyramid-Levels").orElseThrow());
        int at = 0;
        while (items.find()) {
            int[] numbers = Arrays.stream(items.group(1).split(" ")).mapToInt(Integer::parseInt).toArray();
            int[] shape = Arrays.copyOfRange(numbers, 1, numbers.length);
            int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
            long sum = 0;
            for (int index = at; index < at + count; index++) sum += answer.body()[index] & 255;
            at += count;
            String sizes = Arrays.stream(shape).mapToObj(String::valueOf).collect(Collectors.joining("x"));
            System.out.println("mip " + numbers[0] + ": " + sizes + " sum " + sum);
        }
    }
}
