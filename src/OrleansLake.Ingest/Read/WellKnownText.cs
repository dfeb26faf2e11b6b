using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OrleansLake.Ingest.Read;

/// <summary>
/// Shapes as text, from the well-known binary form that geometry and geography columns hold.
/// https://iceberg.apache.org/spec/#primitive-types
/// </summary>
internal static class WellKnownText
{
    private const int DeepestNesting = 32;

    private static readonly string[] Kinds = ["", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"];

    private static readonly string[] Dimensions = ["", " Z", " M", " ZM"];

    /// <summary>The text of a shape; null where the bytes are none.</summary>
    public static string? Of(ReadOnlySpan<byte> binary)
    {
        var text = new StringBuilder();
        var reader = new Reader(binary);
        return Shape(ref reader, text, 0, isTagged: true) && reader.IsAtEnd ? text.ToString() : null;
    }

    private static bool Shape(ref Reader reader, StringBuilder text, int depth, bool isTagged)
    {
        // ISO: the thousands tell which numbers follow x and y.
        if (!reader.Start(out uint type) || type / 1000 > 3 || type % 1000 is < 1 or > 7 || depth > DeepestNesting)
        {
            return false;
        }

        uint kind = type % 1000;
        int numbers = type / 1000 is 0 ? 2 : type / 1000 is 3 ? 4 : 3;
        if (isTagged)
        {
            text.Append(Kinds[kind]).Append(Dimensions[type / 1000]).Append(' ');
        }

        switch (kind)
        {
            case 1:
                int begin = text.Append('(').Length;
                if (!Point(ref reader, text, numbers, out bool isEmpty))
                {
                    return false;
                }

                text.Length = isEmpty ? begin - 1 : text.Length;
                text.Append(isEmpty ? "EMPTY" : ")");
                return true;
            case 2:
                return Points(ref reader, text, numbers);
            case 3:
                return reader.Count(4, out int rings) && List(ref reader, text, rings, (ref Reader at, StringBuilder to) => Points(ref at, to, numbers));
            default:
                // Parts say what they are themselves; their text says it in a collection only.
                return reader.Count(9, out int parts) && List(ref reader, text, parts, (ref Reader at, StringBuilder to) => Shape(ref at, to, depth + 1, isTagged: kind == 7));
        }
    }

    private static bool Points(ref Reader reader, StringBuilder text, int numbers) =>
        reader.Count(8 * numbers, out int count) && List(ref reader, text, count, (ref Reader at, StringBuilder to) => Point(ref at, to, numbers, out _));

    private static bool List(ref Reader reader, StringBuilder text, int count, Part part)
    {
        if (count == 0)
        {
            text.Append("EMPTY");
            return true;
        }

        for (int i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "(" : ", ");
            if (!part(ref reader, text))
            {
                return false;
            }
        }

        text.Append(')');
        return true;
    }

    // A point that is nowhere has no numbers.
    private static bool Point(ref Reader reader, StringBuilder text, int numbers, out bool isEmpty)
    {
        isEmpty = true;
        for (int i = 0; i < numbers; i++)
        {
            if (!reader.Number(out double number))
            {
                return false;
            }

            isEmpty &= double.IsNaN(number);
            text.Append(i == 0 ? "" : " ").Append(number.ToString("R", CultureInfo.InvariantCulture));
        }

        return true;
    }

    private delegate bool Part(ref Reader reader, StringBuilder text);

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _position;
        private bool _isLittle;

        public readonly bool IsAtEnd => _position == _bytes.Length;

        /// <summary>The byte order and the type of a shape.</summary>
        public bool Start(out uint type)
        {
            type = 0;
            if (_position >= _bytes.Length || _bytes[_position] > 1)
            {
                return false;
            }

            _isLittle = _bytes[_position++] == 1;
            return Unsigned(out type);
        }

        /// <summary>How many parts follow, each of so many bytes at least.</summary>
        public bool Count(int leastBytes, out int count)
        {
            bool fits = Unsigned(out uint number) && number <= (_bytes.Length - _position) / leastBytes;
            count = fits ? (int)number : 0;
            return fits;
        }

        public bool Number(out double number)
        {
            number = 0;
            if (_bytes.Length - _position < 8)
            {
                return false;
            }

            number = _isLittle ? BinaryPrimitives.ReadDoubleLittleEndian(_bytes[_position..]) : BinaryPrimitives.ReadDoubleBigEndian(_bytes[_position..]);
            _position += 8;
            return true;
        }

        private bool Unsigned(out uint number)
        {
            number = 0;
            if (_bytes.Length - _position < 4)
            {
                return false;
            }

            number = _isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(_bytes[_position..]) : BinaryPrimitives.ReadUInt32BigEndian(_bytes[_position..]);
            _position += 4;
            return true;
        }
    }
}
