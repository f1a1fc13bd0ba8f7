package loop

const perPage = 64

// pages are a slice that grows and shrinks without copying, however long it is.
type pages[T any] struct {
	n    int
	list []*[perPage]T
}

func (p *pages[T]) at(i int) *T { return &p.list[i/perPage][i%perPage] }

func (p *pages[T]) push(v T) {
	if p.n == len(p.list)*perPage {
		p.list = append(p.list, new([perPage]T))
	}
	p.n++
	*p.at(p.n - 1) = v
}

// pop takes the last. One page that is empty may stay.
func (p *pages[T]) pop() T {
	var none T
	p.n--
	last := p.at(p.n)
	v := *last
	*last = none
	if i := len(p.list) - 1; p.n+perPage <= i*perPage {
		p.list[i] = nil
		p.list = p.list[:i]
	}
	return v
}
