namespace OrleansLake.Iceberg.Expressions;

/// <summary>Finds the columns of a condition in a schema, converts its values, and pushes negation down to the predicates.</summary>
internal sealed class ExpressionBinder(Schema schema)
{
    private readonly List<BoundField> _fields = Fields(schema);

    public BoundExpression Bind(Expression expression, bool negated = false) => expression switch
    {
        Expression.Constant(var value) => value != negated ? BoundExpression.AlwaysTrue : BoundExpression.AlwaysFalse,
        Expression.Not(var operand) => Bind(operand, !negated),
        Expression.And(var operands) when !negated => BoundExpression.AllOf(operands.Select(operand => Bind(operand))),
        Expression.And(var operands) => BoundExpression.AnyOf(operands.Select(operand => Bind(operand, negated: true))),
        Expression.Or(var operands) when !negated => BoundExpression.AnyOf(operands.Select(operand => Bind(operand))),
        Expression.Or(var operands) => BoundExpression.AllOf(operands.Select(operand => Bind(operand, negated: true))),
        Expression.Predicate predicate => Bind(predicate, negated),
        _ => throw new ArgumentException($"unexpected {expression.GetType().Name}", nameof(expression)),
    };

    private BoundExpression Bind(Expression.Predicate predicate, bool negated)
    {
        var field = Find(predicate.Column);
        var operation = negated ? predicate.Operation.Negated() : predicate.Operation;
        try
        {
            var bound = Bind(field, operation, predicate.Values);
            // NaN is neither less nor not less: where "not less" is asked for, it counts.
            return negated && operation.IsOrder() && field.Type is FloatType or DoubleType
                ? BoundExpression.AnyOf([bound, new BoundExpression.Predicate(field, PredicateOperation.IsNan, [])])
                : bound;
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"column {field.Path}: {e.Message}", e);
        }
    }

    private static BoundExpression Bind(BoundField field, PredicateOperation operation, IReadOnlyList<object> values)
    {
        if (operation is not (PredicateOperation.IsNull or PredicateOperation.NotNull)
            && field.Type is not PrimitiveType or UnknownType or VariantType or GeometryType or GeographyType)
        {
            throw new ArgumentException($"{operation.Spelling()} cannot be asked of {(field.Type as PrimitiveType)?.Spelling ?? "a struct, list or map"}");
        }

        switch (operation)
        {
            case PredicateOperation.IsNull or PredicateOperation.NotNull:
                return field.Nullable ? new BoundExpression.Predicate(field, operation, [])
                    : operation == PredicateOperation.NotNull ? BoundExpression.AlwaysTrue : BoundExpression.AlwaysFalse;
            case PredicateOperation.IsNan or PredicateOperation.NotNan:
                return field.Type is FloatType or DoubleType
                    ? new BoundExpression.Predicate(field, operation, [])
                    : throw new ArgumentException($"only float and double can be NaN, not {((PrimitiveType)field.Type).Spelling}");
            case PredicateOperation.In or PredicateOperation.NotIn:
                return BindSet(field, operation, values);
            case PredicateOperation.StartsWith or PredicateOperation.NotStartsWith:
                return BindPrefix(field, operation, values[0]);
            case PredicateOperation.Like or PredicateOperation.NotLike:
                return BindLike(field, operation, (LikePattern)values[0]);
            default:
                return BindComparison(field, operation, Literal.Of(values[0], field.Type));
        }
    }

    private static BoundExpression BindComparison(BoundField field, PredicateOperation operation, Literal literal)
    {
        if (literal.Side != 0)
        {
            return operation switch
            {
                PredicateOperation.LessThan or PredicateOperation.LessThanOrEqual => literal.Side > 0 ? NotNull(field) : BoundExpression.AlwaysFalse,
                PredicateOperation.GreaterThan or PredicateOperation.GreaterThanOrEqual => literal.Side < 0 ? NotNull(field) : BoundExpression.AlwaysFalse,
                PredicateOperation.Equal => BoundExpression.AlwaysFalse,
                _ => NotNull(field),
            };
        }

        if (!literal.IsExact)
        {
            // Between two values of the type: the lower one takes its place.
            switch (operation)
            {
                case PredicateOperation.LessThan:
                    operation = PredicateOperation.LessThanOrEqual;
                    break;
                case PredicateOperation.GreaterThanOrEqual:
                    operation = PredicateOperation.GreaterThan;
                    break;
                case PredicateOperation.Equal:
                    return BoundExpression.AlwaysFalse;
                case PredicateOperation.NotEqual:
                    return NotNull(field);
            }
        }

        return new BoundExpression.Predicate(field, operation, [literal.Value!]);
    }

    private static BoundExpression BindSet(BoundField field, PredicateOperation operation, IReadOnlyList<object> values)
    {
        var exact = new List<object>(values.Count);
        foreach (object value in values)
        {
            if (Literal.Of(value, field.Type) is { Side: 0, IsExact: true, Value: { } converted })
            {
                exact.Add(converted);
            }
        }

        exact.Sort(PredicateTest.Compare);
        var distinct = exact.Where((value, i) => i == 0 || PredicateTest.Compare(exact[i - 1], value) != 0).ToList();
        bool isIn = operation == PredicateOperation.In;
        return distinct.Count switch
        {
            0 => isIn ? BoundExpression.AlwaysFalse : NotNull(field),
            1 => new BoundExpression.Predicate(field, isIn ? PredicateOperation.Equal : PredicateOperation.NotEqual, distinct),
            _ => new BoundExpression.Predicate(field, operation, distinct),
        };
    }

    private static BoundExpression BindPrefix(BoundField field, PredicateOperation operation, object prefix) => (field.Type, prefix) switch
    {
        (StringType, "") or (BinaryType or FixedType, byte[] { Length: 0 }) => operation == PredicateOperation.StartsWith ? NotNull(field) : BoundExpression.AlwaysFalse,
        (StringType, string) or (BinaryType or FixedType, byte[]) => new BoundExpression.Predicate(field, operation, [prefix]),
        _ => throw new ArgumentException($"only text begins with text, not {((PrimitiveType)field.Type).Spelling}"),
    };

    private static BoundExpression BindLike(BoundField field, PredicateOperation operation, LikePattern pattern)
    {
        if (field.Type is not StringType)
        {
            throw new ArgumentException($"LIKE is for text, not {((PrimitiveType)field.Type).Spelling}");
        }

        bool isLike = operation == PredicateOperation.Like;
        return pattern switch
        {
            { IsExact: true } => new BoundExpression.Predicate(field, isLike ? PredicateOperation.Equal : PredicateOperation.NotEqual, [pattern.Prefix]),
            { IsPrefix: true } => BindPrefix(field, isLike ? PredicateOperation.StartsWith : PredicateOperation.NotStartsWith, pattern.Prefix),
            _ => new BoundExpression.Predicate(field, operation, [pattern]),
        };
    }

    private static BoundExpression NotNull(BoundField field) =>
        field.Nullable ? new BoundExpression.Predicate(field, PredicateOperation.NotNull, []) : BoundExpression.AlwaysTrue;

    /// <summary>By the exact name, else by one that differs in case alone.</summary>
    private BoundField Find(string column)
    {
        if (_fields.Find(field => field.Path == column) is { } exact)
        {
            return exact;
        }

        var similar = _fields.FindAll(field => field.Path.Equals(column, StringComparison.OrdinalIgnoreCase));
        return similar switch
        {
            [var only] => only,
            [] when schema.FindField(column) is not null => throw new ArgumentException($"column {column}: what lies in a list or map cannot be filtered by"),
            [] => throw new ArgumentException($"column {column}: the table has none of that name; it has {string.Join(", ", schema.Fields.Select(field => field.Name))}"),
            _ => throw new ArgumentException($"column {column}: it could be {string.Join(" or ", similar.Select(field => field.Path))}"),
        };
    }

    private static List<BoundField> Fields(Schema schema)
    {
        var fields = new List<BoundField>();
        Add(schema.Fields, "", false);
        return fields;

        void Add(IReadOnlyList<NestedField> of, string prefix, bool nullable)
        {
            foreach (var field in of)
            {
                bool mayBeNull = nullable || !field.Required;
                fields.Add(new BoundField(field.Id, prefix + field.Name, field.Type, mayBeNull));
                if (field.Type is StructType structure)
                {
                    Add(structure.Fields, $"{prefix}{field.Name}.", mayBeNull);
                }
            }
        }
    }
}
